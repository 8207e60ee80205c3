"""Proof that a level holds on this machine: real attacks, run in it before anything else. Called by `levels`."""

import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

ATTACKS = r"""
import ctypes, json, os, resource, signal, socket, sys

target = json.load(sys.stdin)
libc = ctypes.CDLL(None, use_errno=True)
succeeded = []


def attack(function):
    try:
        if function():
            succeeded.append(function.__name__.replace("_", " "))
    except (OSError, ValueError, AttributeError, MemoryError):
        pass


@attack
def read_a_file_of_the_host():
    return target["secret"] in open(target["file"]).read()

@attack
def write_a_file_of_the_host():
    open(target["file"], "a").write("x")
    return True

@attack
def truncate_a_file_of_the_host():
    os.truncate(target["file"], 0)
    return True

@attack
def open_a_file_of_the_host_to_truncate_it():
    os.open(target["file"], os.O_RDONLY | os.O_TRUNC)
    return True

@attack
def change_the_mode_of_a_file_of_the_host():
    os.chmod(target["file"], 0o777)
    return True

@attack
def list_a_folder_of_the_host():
    return os.listdir(os.path.dirname(target["file"]))

@attack
def read_the_environment_of_the_orchestrator():
    return open(f"/proc/{target['pid']}/environ", "rb").read(1)

@attack
def connect_to_a_port_of_the_host():
    socket.create_connection(("127.0.0.1", target["port"]), 1)
    return True

@attack
def connect_to_an_abstract_socket_of_the_host():
    socket.socket(socket.AF_UNIX).connect("\0" + target["abstract"])
    return True

@attack
def open_a_netlink_socket():
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)

@attack
def signal_the_orchestrator():
    os.kill(target["pid"], 0)
    return True

@attack
def change_the_limits_of_the_orchestrator():
    resource.prlimit(target["pid"], resource.RLIMIT_CORE, resource.prlimit(target["pid"], resource.RLIMIT_CORE))
    return True

@attack
def raise_its_own_limits():
    resource.setrlimit(resource.RLIMIT_CPU, resource.getrlimit(resource.RLIMIT_CPU))
    return True

@attack
def trace_the_orchestrator():
    return libc.ptrace(16, target["pid"], 0, 0) == 0

@attack
def start_a_process():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return True

@attack
def start_a_program():
    os.execv(sys.executable or "/bin/sh", ["x", "-c", "raise SystemExit(77)"])

@attack
def mount_a_file_system():
    return libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None) == 0

@attack
def enter_a_user_namespace():
    return libc.unshare(0x10000000) == 0

@attack
def become_root():
    os.setuid(0)
    return os.getuid() != target["uid"]

with open("own file", "w") as file:
    file.write("x")
print(json.dumps(succeeded))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Things of the host that the attacks are after."""

    file: str
    secret: str
    pid: int
    uid: int
    port: int
    abstract: str

    def as_dict(self) -> dict[str, object]:
        """For the program's stdin."""
        return asdict(self)


@contextlib.contextmanager
def target() -> Generator[Target]:
    """Set them up, while inside."""
    with tempfile.TemporaryDirectory(prefix="intermezzo-probe-") as folder, contextlib.ExitStack() as sockets:
        file, secret = Path(folder, "secret"), secrets.token_hex(16)
        file.write_text(secret)
        listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
        named, name = sockets.enter_context(socket.socket(socket.AF_UNIX)), f"intermezzo-{secrets.token_hex(8)}"
        named.bind(f"\0{name}")
        named.listen()
        yield Target(
            file=str(file),
            secret=secret,
            pid=os.getpid(),
            uid=os.getuid(),
            port=listener.getsockname()[1],
            abstract=name,
        )
