"""Programs that try to get out of the sandbox, or to take more than they were given.

Each prints ESCAPED when it has got what it wanted. `target` says what there is to get: a file with a secret, a folder,
the number and the user of the orchestrator, the number of another process of the same user, a port, and abstract and
named sockets for connections and for datagrams. `call` makes a system call by name.
"""

from dataclasses import dataclass

PREAMBLE = r"""
import ctypes, ctypes.util, json, os, platform, resource, signal, socket, struct, sys, time
target = json.load(sys.stdin)
libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
NUMBERS = {
    "fork": (57, None), "vfork": (58, None), "clone": (56, 220), "clone3": (435, 435), "execve": (59, 221),
    "execveat": (322, 281), "memfd_create": (319, 279), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "kcmp": (312, 272), "rt_sigqueueinfo": (129, 138), "tkill": (200, 130),
    "tgkill": (234, 131), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "bpf": (321, 280), "keyctl": (250, 219), "add_key": (248, 217),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "openat2": (437, 437),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "mknodat": (259, 33), "init_module": (175, 105),
    "finit_module": (313, 273), "reboot": (169, 142), "sethostname": (170, 161), "settimeofday": (164, 170),
    "personality": (135, 92), "swapon": (167, 224), "quotactl": (179, 60), "syslog": (103, 116), "acct": (163, 89),
    "iopl": (172, None), "modify_ldt": (154, None), "setxattr": (188, 5), "fchownat": (260, 54), "shmget": (29, 194),
    "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "timer_create": (222, 107), "mlockall": (151, 230),
    "sched_setscheduler": (144, 119), "setpriority": (141, 140), "ioprio_set": (251, 30), "fanotify_init": (300, 262),
    "inotify_init1": (294, 26), "fsopen": (430, 430), "move_mount": (429, 429), "open_tree": (428, 428),
    "mount_setattr": (442, 442), "prlimit64": (302, 261), "setuid": (105, 146), "setresuid": (117, 147),
    "setgroups": (116, 159), "capset": (126, 91), "socket": (41, 198), "kexec_load": (246, 104),
    "lookup_dcookie": (212, 18), "migrate_pages": (256, 238), "move_pages": (279, 239), "vmsplice": (278, 75),
    "process_madvise": (440, 440), "memfd_secret": (447, 447), "cachestat": (451, 451),
}

def call(name, *arguments):
    number = NUMBERS[name][0 if X86 else 1]
    if number is None:
        raise OSError("not on this processor")
    ctypes.set_errno(0)
    result = libc.syscall(number, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result

def escaped(what=""):
    os.write(1, f"ESCAPED {what}\n".encode())

def gives_up(function):
    try:
        return function()
    except (OSError, ValueError, AttributeError, ImportError, MemoryError, OverflowError, RuntimeError) as error:
        print(type(error).__name__, error)

"""


@dataclass(frozen=True, slots=True)
class Attack:
    """One program."""

    name: str
    code: str
    seconds: float = 10.0

    @property
    def program(self) -> str:
        """Its source."""
        return PREAMBLE + self.code


def _calls(kind: str, **attempts: str) -> list[Attack]:
    """Attacks that are one expression, and have succeeded if it is true."""
    template = "def attempt():\n    if {0}:\n        escaped()\ngives_up(attempt)\n"
    return [Attack(f"{kind}: {name.replace('_', ' ')}", template.format(code)) for name, code in attempts.items()]


PROCESSES = [
    Attack("processes: fork", "def go():\n    if os.fork() == 0:\n        escaped()\n        os._exit(0)\ngives_up(go)"),
    Attack("processes: vfork and leave", "def go():\n    if call('vfork') == 0:\n        escaped()\n        os._exit(0)\ngives_up(go)"),
    Attack("processes: clone without threads", "def go():\n    if call('clone', 17, 0, 0, 0, 0) == 0:\n        escaped()\n        os._exit(0)\ngives_up(go)"),
    Attack("processes: clone3", "def go():\n    args = ctypes.create_string_buffer(struct.pack('<8Q', 0, 0, 0, 0, 17, 0, 0, 0), 64)\n    if call('clone3', args, 64) == 0:\n        escaped()\n        os._exit(0)\ngives_up(go)"),
    Attack("processes: subprocess", "import subprocess\nprint(gives_up(lambda: subprocess.run(['/bin/sh', '-c', 'echo ESC''APED'], stdout=1)))"),
    Attack("processes: posix_spawn", "gives_up(lambda: (os.posix_spawn('/bin/sh', ['sh', '-c', 'true'], {}), escaped()))"),
    Attack("processes: system", "if os.system('true') == 0:\n    escaped()"),
    Attack("processes: exec", "gives_up(lambda: os.execv('/bin/sh', ['sh', '-c', 'echo ESC''APED']))"),
    Attack("processes: exec this interpreter", "gives_up(lambda: os.execv(sys.executable, [sys.executable, '-c', 'print(\"ESC\" \"APED\")']))"),
    Attack("processes: exec from memory", "def go():\n    fd = call('memfd_create', b'x', 0)\n    escaped('memory outside of the limit')\n    os.write(fd, open('/bin/sh', 'rb').read())\n    os.execve(fd, ['sh', '-c', 'echo ESC''APED'], {})\ngives_up(go)"),
    Attack("processes: a thread that shares no descriptors", "stack = ctypes.create_string_buffer(65536)\nif libc.clone(libc.pause, ctypes.c_void_p(ctypes.addressof(stack) + 65536 & ~15), 0x10900, None) > 0:\n    escaped()"),
    Attack("processes: multiprocessing", "import multiprocessing as m\ngives_up(lambda: (m.get_context('fork').Process(target=escaped).start(), escaped()))"),
    Attack("processes: pool of processes", "from concurrent.futures import ProcessPoolExecutor as P\ngives_up(lambda: escaped(P(1).submit(os.getpid).result(5)))", 20),
    Attack("processes: ten thousand threads", "import threading\nthreading.stack_size(32768)\ndef go():\n    for n in range(10_000):\n        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n    time.sleep(1)\n    escaped()\ngives_up(go)"),
]  # fmt: skip

MEMORY = [
    *_calls(
        "memory",
        four_gigabytes="len(bytearray(4 << 30))",
        a_list_of_everything="len([0] * (1 << 32))",
        an_anonymous_map="__import__('mmap').mmap(-1, 8 << 30)",
        a_memory_file="call('memfd_create', b'x', 0) >= 0",
        a_secret_memory_file="call('memfd_secret', 0) >= 0",
        shared_memory="call('shmget', 0, 1 << 30, 0o1600) >= 0",
        a_message_queue="call('msgget', 0, 0o1600) >= 0",
        a_posix_message_queue="call('mq_open', b'intermezzo', 0o102, 0o600, None) >= 0",
        locked_memory="call('mlockall', 3) == 0 and bytearray(64 << 20)",
    ),
    Attack("memory: grow until it is killed", "held = []\ndef go():\n    while True:\n        held.append(bytearray(16 << 20))\n        if len(held) > 64:\n            escaped()\n            break\ngives_up(go)"),
    Attack("memory: shared memory of Python", "from multiprocessing import shared_memory as s\ngives_up(lambda: (s.SharedMemory(create=True, size=1 << 30), escaped()))"),
    Attack("memory: endless recursion", "import threading\nsys.setrecursionlimit(10 ** 9)\ndef f(n):\n    return f(n + 1)\nf(0)"),
    Attack("memory: a hundred pipes full", "def go():\n    for n in range(400):\n        r, w = os.pipe()\n        import fcntl\n        fcntl.fcntl(w, 1031, 1 << 20)\n    escaped()\ngives_up(go)"),
]  # fmt: skip

SPILL = r"""
def spill(hide):
    for _ in range(60):
        f = os.open('x', os.O_CREAT | os.O_RDWR)
        for _ in range(8):
            os.write(f, b'x' * (1 << 20))
        hide(f)
    time.sleep(1)
    escaped()

"""
"""Writes much more than is allowed, in files that are then hidden."""

DISK = [
    Attack("disk: one large file", "def go():\n    with open('x', 'wb') as f:\n        for n in range(200):\n            f.write(b'x' * (1 << 20))\n            f.flush()\n    escaped()\ngives_up(go)"),
    Attack("disk: many files of legal size", "def go():\n    for n in range(100):\n        with open(f'x{n}', 'wb') as f:\n            for _ in range(20):\n                f.write(b'x' * (1 << 20))\n    time.sleep(1)\n    escaped()\ngives_up(go)", 20),
    Attack("disk: files without names", "held = []\ndef go():\n    for n in range(100):\n        f = open('x', 'wb')\n        os.unlink('x')\n        held.append(f)\n        for _ in range(20):\n            f.write(b'x' * (1 << 20))\n            f.flush()\n    time.sleep(1)\n    escaped()\ngives_up(go)", 20),
    Attack("disk: a hundred thousand empty files", "def go():\n    for n in range(100_000):\n        open(f'x{n}', 'w').close()\n    time.sleep(1)\n    escaped()\ngives_up(go)", 30),
    Attack("disk: folders nested without end", "def go():\n    for n in range(100_000):\n        os.mkdir('d')\n        os.chdir('d')\n    time.sleep(1)\n    escaped()\ngives_up(go)", 30),
    Attack("disk: space reserved at once", "gives_up(lambda: (os.posix_fallocate(os.open('x', os.O_CREAT | os.O_WRONLY), 0, 1 << 34), escaped()))"),
    Attack("disk: space reserved in pieces", "def go():\n    for n in range(10):\n        os.posix_fallocate(os.open(f'x{n}', os.O_CREAT | os.O_WRONLY), 0, 32 << 20)\n    escaped()\ngives_up(go)"),
    Attack("disk: files without names that are only mapped", SPILL + "libc.mmap.restype = ctypes.c_void_p\ndef hide(f):\n    os.unlink('x')\n    libc.mmap(None, ctypes.c_size_t(4096), 1, 1, f, ctypes.c_long(0))\n    os.close(f)\ngives_up(lambda: spill(hide))", 20),
    Attack("disk: files without names on their way through a socket", SPILL + "pair = socket.socketpair()\ndef hide(f):\n    os.unlink('x')\n    socket.send_fds(pair[0], [b'x'], [f])\n    os.close(f)\ngives_up(lambda: spill(hide))", 20),
    Attack("disk: files without names in descriptors of a thread", SPILL + "import threading\ndef go():\n    if libc.close_range(5000, 5001, 2) == 0:\n        spill(lambda f: os.unlink('x'))\nthreading.Thread(target=go).start()", 20),
    Attack("disk: in a folder that is not to be listed", SPILL + "def go():\n    os.mkdir('d', 0o300)\n    os.chdir('d')\n    spill(lambda f: os.rename('x', str(f)))\ngives_up(go)", 20),
    Attack("disk: behind names of many bytes", SPILL + "def go():\n    for _ in range(20):\n        os.mkdir('\U0001F600' * 60)\n        os.chdir('\U0001F600' * 60)\n    spill(lambda f: os.rename('x', str(f)))\ngives_up(go)", 20),
    Attack("disk: folders nobody may enter", "def go():\n    os.makedirs('a/b/c', 0o700)\n    open('a/b/c/f', 'w').close()\n    for p in ('a/b/c/f', 'a/b/c', 'a/b', 'a'):\n        gives_up(lambda: os.chmod(p, 0))\ngives_up(go)"),
]  # fmt: skip

FILES = [
    *_calls(
        "files of the host",
        read_the_secret="target['secret'] in open(target['file']).read()",
        append_to_it="open(target['file'], 'a').write('x')",
        truncate_it="os.truncate(target['file'], 0) is None",
        open_it_to_truncate_it="os.open(target['file'], os.O_RDONLY | os.O_TRUNC) >= 0",
        change_its_mode="os.chmod(target['file'], 0o777) is None",
        change_its_times="os.utime(target['file'], (0, 0)) is None",
        change_its_owner="call('fchownat', -100, target['file'].encode(), 1, 1, 0) == 0",
        give_it_attributes="call('setxattr', target['file'].encode(), b'user.x', b'x', 1, 0) == 0",
        delete_it="os.unlink(target['file']) is None",
        rename_it="os.rename(target['file'], target['file'] + 'x') is None",
        link_to_it="os.link(target['file'], 'mine') is None and target['secret'] in open('mine').read()",
        follow_a_symbolic_link="os.symlink(target['file'], 'mine') is None and target['secret'] in open('mine').read()",
        list_its_folder="os.listdir(target['folder'])",
        make_a_file_beside_it="open(target['folder'] + '/x', 'w')",
        make_a_folder_beside_it="os.mkdir(target['folder'] + '/x') is None",
        read_the_password_file="open('/etc/shadow').read() or 1",
        read_the_users="open('/etc/passwd').read()",
        list_the_root="set(os.listdir('/')) & {'boot', 'mnt', 'sys', 'var'}",
        list_the_home_of_root="len(os.listdir('/root')) > 1",
        list_the_homes="os.listdir('/home') or 1",
        read_the_kernels_log="open('/dev/kmsg').read(1)",
        read_physical_memory="open('/dev/mem', 'rb').read(1)",
        read_symbols_of_the_kernel="open('/proc/kallsyms').read(1)",
        read_the_kernels_settings="open('/proc/sys/kernel/hostname').read()",
        list_devices_of_the_kernel="os.listdir('/sys/class')",
        make_a_device="call('mknodat', -100, b'disk', 0o60600, 0x800) == 0 or True",
        write_its_own_input="os.write(os.open('/proc/self/fd/0', os.O_RDWR), b'x' * (1 << 20))",
        walk_up="target['secret'] in open('../' * 40 + target['file'].lstrip('/')).read()",
        walk_up_by_descriptor="target['secret'] in open(os.open(target['file'].lstrip('/'), os.O_RDONLY, dir_fd=os.open('/', os.O_PATH))).read()",
        open_it_another_way="call('openat2', -100, target['file'].encode(), ctypes.create_string_buffer(24), 24) >= 0",
        open_it_by_handle="call('name_to_handle_at', -100, target['file'].encode(), ctypes.create_string_buffer(136), ctypes.create_string_buffer(8), 0) == 0",
        change_the_root="call('chroot', b'/') == 0",
        poison_the_standard_library="open(os.path.dirname(os.__file__) + '/intermezzo_poison.py', 'w')",
        change_a_library_file="open(os.__file__, 'r+')",
        change_the_mode_of_a_library_file="os.chmod(os.__file__, 0o666) is None",
        watch_files="call('inotify_init1', 0) >= 0",
        watch_all_files="call('fanotify_init', 0, 0) >= 0",
        a_new_mount="call('fsopen', b'tmpfs', 0) >= 0",
        a_copy_of_the_mounts="call('open_tree', -100, b'/', 1) >= 0",
    ),
]  # fmt: skip

SECRETS = [
    *_calls(
        "secrets",
        environment="any('secret' in v.lower() or 'key' in k.lower() for k, v in os.environ.items())",
        environment_in_memory="any(b'INTERMEZZO' in p for p in iter(lambda i=iter(range(200)): (ctypes.POINTER(ctypes.c_char_p).in_dll(libc, 'environ')[next(i)]) or b'', b''))",
        environment_of_this_process="open('/proc/self/environ', 'rb').read()",
        environment_of_the_orchestrator="open(f'/proc/{target[\"pid\"]}/environ', 'rb').read()",
        command_line_of_another_process="open(f'/proc/{target[\"victim\"]}/cmdline', 'rb').read()",
        memory_of_the_orchestrator="open(f'/proc/{target[\"pid\"]}/mem', 'rb')",
        memory_of_this_process="open('/proc/self/mem', 'r+b')",
        list_of_processes="[p for p in os.listdir('/proc') if p.isdigit()]",
        trace_the_orchestrator="call('ptrace', 16, target['pid'], 0, 0) == 0",
        trace_another_process="call('ptrace', 0x4206, target['victim'], 0, 0) == 0",
        read_its_memory="call('process_vm_readv', target['victim'], ctypes.create_string_buffer(16), 1, ctypes.create_string_buffer(16), 1, 0) >= 0",
        write_its_memory="call('process_vm_writev', target['victim'], ctypes.create_string_buffer(16), 1, ctypes.create_string_buffer(16), 1, 0) >= 0",
        take_a_descriptor_of_it="call('pidfd_getfd', call('pidfd_open', target['pid'], 0), 0, 0) >= 0",
        compare_with_it="call('kcmp', os.getpid(), target['pid'], 0, 0, 0) >= 0",
        the_kernels_key_ring="call('keyctl', 0, -3, 1) >= 0",
        a_key_in_it="call('add_key', b'user', b'x', b'x', 1, -3) >= 0",
        inherited_descriptors="[n for n in range(3, 256) if gives_up(lambda: os.fstat(n))]",
        module_of_the_orchestrator="__import__('intermezzo.settings')",
        hidden_module_in_memory="[o for o in __import__('gc').get_objects() if isinstance(o, dict) and 'database_url' in o]",
        packages_of_the_orchestrator="__import__('prefect')",
    ),
]  # fmt: skip

NETWORK = [
    *_calls(
        "network",
        tcp_to_the_host="socket.create_connection(('127.0.0.1', target['port']), 2)",
        tcp_version_6="socket.create_connection(('::1', target['port']), 2)",
        tcp_by_number="call('socket', 2, 1, 0) >= 0 and socket.create_connection(('127.0.0.1', target['port']), 2)",
        udp="socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', target['port']))",
        raw_packets="socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
        frames="socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        netlink="socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        virtual_machine_socket="socket.socket(40, socket.SOCK_STREAM)",
        algorithms_of_the_kernel="socket.socket(38, socket.SOCK_SEQPACKET)",
        named_socket="socket.socket(socket.AF_UNIX).connect(target['named']) is None",
        abstract_socket="socket.socket(socket.AF_UNIX).connect('\\0' + target['abstract']) is None",
        named_datagram="socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', target['datagrams'])",
        abstract_datagram_of_a_pair="socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', '\\0' + target['abstract_datagrams'])",
        filters_of_sockets="socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, 26, struct.pack('HQ', 1, ctypes.addressof(ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 1))))) is None",
        abstract_datagram="socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', '\\0' + target['abstract'])",
        names_of_hosts="socket.getaddrinfo('localhost', 80) and socket.create_connection(('localhost', target['port']), 2)",
        serve="socket.create_server(('127.0.0.1', 0))",
        pairs_of_the_internet="socket.socketpair(socket.AF_INET)",
        input_and_output_rings="call('io_uring_setup', 1, ctypes.create_string_buffer(120)) >= 0",
        interfaces="[n for n in socket.if_nameindex() if n[1] != 'lo']",
    ),
]  # fmt: skip

SIGNALS = [
    *_calls(
        "signals",
        see_the_orchestrator="os.kill(target['pid'], 0) is None",
        kill_another_process="os.kill(target['victim'], signal.SIGKILL) is None",
        kill_everything="os.kill(-1, signal.SIGKILL) is None",
        kill_its_group="os.killpg(0, signal.SIGTERM) is None and False",
        kill_a_thread_of_it="call('tgkill', target['victim'], target['victim'], 9) == 0",
        kill_it_as_a_thread="call('tkill', target['victim'], 9) == 0",
        queue_a_signal="call('rt_sigqueueinfo', target['victim'], 15, ctypes.create_string_buffer(128)) == 0",
        by_descriptor="call('pidfd_send_signal', call('pidfd_open', target['victim'], 0), 9, 0, 0) == 0",
        have_the_kernel_signal_it="__import__('fcntl').fcntl(os.pipe()[0], 8, target['victim']) >= 0 and __import__('fcntl').fcntl(os.pipe()[0], 9) != target['victim'] or True",
        have_the_kernel_signal_it_by_another_name="__import__('fcntl').fcntl(os.pipe()[0], 15, struct.pack('ii', 1, target['victim'])) or True",
        a_timer_with_a_signal="call('timer_create', 0, 0, ctypes.create_string_buffer(8)) == 0",
    ),
]  # fmt: skip

LIMITS = [
    *_calls(
        "limits",
        raise_its_time="resource.setrlimit(resource.RLIMIT_CPU, (1000, 1000)) is None",
        raise_its_memory="resource.setrlimit(resource.RLIMIT_AS, (-1, -1)) is None",
        lower_those_of_the_orchestrator="resource.prlimit(target['pid'], resource.RLIMIT_NOFILE, (10, 10))",
        read_those_of_another_process="call('prlimit64', target['victim'], 7, 0, ctypes.create_string_buffer(16)) == 0",
        run_in_real_time="call('sched_setscheduler', 0, 1, ctypes.create_string_buffer(struct.pack('i', 50), 4)) == 0",
        be_more_important="call('setpriority', 0, 0, -10) == 0",
        make_another_process_unimportant="call('setpriority', 0, target['victim'], 19) == 0",
        be_served_first="call('ioprio_set', 1, 0, 1 << 13) == 0",
        open_a_thousand_files="len([os.open('/dev/null', os.O_RDONLY) for _ in range(1000)]) == 1000",
    ),
]  # fmt: skip

KERNEL = [
    *_calls(
        "kernel",
        a_user_namespace="call('unshare', 0x10000000) == 0",
        a_mount_namespace="call('unshare', 0x20000) == 0",
        a_network_namespace="call('unshare', 0x40000000) == 0",
        a_thread_with_a_namespace="call('clone', 0x10000 | 0x800 | 0x100 | 0x10000000, 0, 0, 0, 0) >= 0",
        another_namespace="call('setns', 0, 0) == 0",
        mount="call('mount', b'proc', b'.', b'proc', 0, 0) == 0",
        unmount="call('umount2', b'/', 2) == 0",
        move_a_mount="call('move_mount', -100, b'/', -100, b'.', 0) == 0",
        make_mounts_writable="call('mount_setattr', -100, b'/', 0x8000, ctypes.create_string_buffer(32), 32) == 0",
        another_root="call('pivot_root', b'.', b'.') == 0",
        root="call('setuid', 0) == 0 and target['uid'] != 0",
        another_user="call('setresuid', 1, 1, 1) == 0",
        groups="call('setgroups', 1, struct.pack('i', 0)) == 0",
        capabilities="call('capset', struct.pack('<Ii', 0x20080522, 0), struct.pack('<6I', *[0xffffffff] * 6)) == 0",
        programs_in_the_kernel="call('bpf', 0, ctypes.create_string_buffer(128), 128) >= 0",
        performance_counters="call('perf_event_open', ctypes.create_string_buffer(128), 0, -1, -1, 0) >= 0",
        page_faults_in_user_space="call('userfaultfd', 1) >= 0",
        modules="call('init_module', b'x', 1, b'') == 0",
        modules_from_files="call('finit_module', 0, b'', 0) == 0",
        another_kernel="call('kexec_load', 0, 0, 0, 0) == 0",
        reboot="call('reboot', 0xfee1dead, 672274793, 0, 0) == 0",
        the_name_of_the_host="call('sethostname', b'x', 1) == 0",
        the_time="call('settimeofday', struct.pack('qq', 0, 0), 0) == 0",
        another_personality="call('personality', 0x0040000) >= 0",
        the_log="call('syslog', 3, ctypes.create_string_buffer(100), 100) >= 0",
        swap="call('swapon', b'x', 0) == 0",
        accounting="call('acct', 0) == 0",
        ports="call('iopl', 3) == 0",
        segments="call('modify_ldt', 0, ctypes.create_string_buffer(64), 64) >= 0",
        pages_of_another_process="call('migrate_pages', target['victim'], 0, 0, 0) == 0",
        memory_of_another_process="call('process_madvise', 0, 0, 0, 0, 0) >= 0",
        calls_by_other_numbers="X86 and libc.syscall(0x40000000 + 39) > 0",
    ),
]  # fmt: skip

INTERPRETER = [
    Attack("interpreter: crash it", "ctypes.string_at(0)"),
    Attack("interpreter: abort", "os.abort()"),
    Attack("interpreter: close every descriptor", "os.closerange(0, 1000)"),
    Attack("interpreter: break its streams", "class Bad:\n    def flush(self): raise SystemExit('x')\n    def write(self, t): raise RuntimeError\nsys.stdout = sys.stderr = Bad()"),
    Attack("interpreter: never end at exit", "import atexit\natexit.register(lambda: time.sleep(60))", 1),
    Attack("interpreter: a thread that never ends", "import threading\nthreading.Thread(target=time.sleep, args=(60,)).start()", 1),
    Attack("interpreter: catch everything", "while True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        pass", 1),
    Attack("interpreter: ignore every signal", "for s in range(1, 65):\n    gives_up(lambda: signal.signal(s, signal.SIG_IGN))\ntime.sleep(60)", 1),
    Attack("interpreter: busy where nothing interrupts", "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')", 1),
    Attack("interpreter: a number without end", "print(len(str(9 ** 9 ** 9)))", 1),
    Attack("output: flood stdout", "while True:\n    os.write(1, b'x' * 65536)", 1),
    Attack("output: flood stderr", "while True:\n    os.write(2, b'x' * 65536)", 1),
    Attack("output: no text", "os.write(1, bytes(range(256)))"),
    Attack("output: a line of a gigabyte", "for n in range(1024):\n    os.write(1, b'x' * (1 << 20))", 5),
]  # fmt: skip

ALL = [*PROCESSES, *MEMORY, *DISK, *FILES, *SECRETS, *NETWORK, *SIGNALS, *LIMITS, *KERNEL, *INTERPRETER]
