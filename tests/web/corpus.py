"""What the guarded client must let pass and what it must refuse: read by `test_corpus`.

Addresses serve twice, as the literal host of a URL and as what a name resolves to. URLs are given with what their
host resolves to, so that a host which the guard mistakes for a name would be found, and connected to.
"""

# ruff: noqa: RUF001, S104 - confusable letters and addresses of all interfaces are what this is about

# ---------------------------------------------------------------------------------------------- addresses

PUBLIC_ADDRESSES = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "93.184.216.34", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.1", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0",
    "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.167.255.255", "192.169.0.0",
    "198.17.255.255", "198.20.0.0", "198.51.99.255", "203.0.114.0", "223.255.255.255",
    "2001:200::1", "2001:4860:4860::8888", "2003::1", "2606:4700:4700::1111", "2620:4f:8001::1", "2a00:1450:4001::5",
    "2001:dc0:2001:11::194", "2606:4700::7f00:1", "2a00::5efe:1", "192.31.195.255", "192.31.197.0", "192.52.192.255",
    "192.52.194.0", "192.88.100.0", "192.175.47.255", "192.175.49.0", "198.51.101.0", "203.0.112.255", "2000::1",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::1", "2600::1", "2620:4f:7fff:ffff::1", "3fff:1000::1",
]  # fmt: skip

NOT_PUBLIC_ADDRESSES = {
    "this machine": [
        "127.0.0.1", "127.0.0.2", "127.255.255.254", "0.0.0.0", "0.1.2.3", "::1", "::",
    ],
    "private networks": [
        "10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
        "100.64.0.1", "100.127.255.255", "fc00::1", "fd00::1", "fdff:ffff::1", "fec0::1",
    ],
    "the link": ["169.254.0.1", "169.254.255.255", "fe80::1", "febf::1"],
    "metadata of clouds": [
        "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
        "fd00:ec2::254", "fd20:ce::254", "fe80::a9fe:a9fe", "169.254.42.42", "169.254.170.23", "fd00:42::42",
        "fd00:c1::a9fe:a9fe", "fd00:ec2::23", "fe80::1234:5678:9abc",
    ],
    "multicast and broadcast": [
        "224.0.0.1", "232.1.2.3", "239.255.255.255", "255.255.255.255", "ff02::1", "ff0e::1", "ff05::2",
    ],
    "reserved and special": [
        "192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1",
        "198.19.255.255", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.175.48.1", "240.0.0.1",
        "255.0.0.1", "100::1", "100:0:0:1::1", "200::1", "2001:db8::1", "3fff::1", "3fff:fff::1", "5f00::1",
        "5f00:1::1", "4000::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:30::1", "2001:3::1",
        "2001:4:112::1", "2620:4f:8000::1", "2001:1::1", "3ffe::1", "192.0.0.9", "192.0.0.10", "192.0.0.171",
        "2001:1::2", "2001:1ff:ffff::1", "6000::1", "a000::1", "fe00::1", "1fff:ffff::1",
    ],
    "IPv4 wrapped into IPv6": [
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1",  # mapped
        "::127.0.0.1", "::7f00:1", "::8.8.8.8",  # compatible
        "::ffff:0:127.0.0.1",  # translated
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::7f00:1",  # NAT64
        "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:1::1", "2002:808:808::1",  # 6to4
        "2001::1", "2001:0:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe", "3ffe:831f::80ff:fffe",  # Teredo
        "2a00:1450::5efe:7f00:1", "2a00:1450::200:5efe:a00:1", "fe80::5efe:7f00:1",  # ISATAP
    ],
}  # fmt: skip

# ----------------------------------------------------------------------------------------------- URLs

LOOPBACK_URLS = [
    # What reaches this machine if whoever connects is less strict than whoever checks. {port} is where a server
    # really listens, on every address of the machine.
    "http://127.0.0.1:{port}/", "http://127.0.0.2:{port}/", "http://127.255.255.254:{port}/",
    "http://0.0.0.0:{port}/", "http://0:{port}/", "http://0x0:{port}/", "http://00:{port}/",
    "http://127.1:{port}/", "http://127.0.1:{port}/",  # short
    "http://2130706433:{port}/", "http://02130706433:{port}/", "http://4294967296:{port}/",  # one number
    "http://0x7f000001:{port}/", "http://0X7F000001:{port}/", "http://0x7f.0.0.1:{port}/", "http://0x7f.1:{port}/",
    "http://0x7F.0x0.0x0.0x1:{port}/", "http://0x0000007f.1:{port}/",  # hexadecimal
    "http://0177.0.0.1:{port}/", "http://0177.1:{port}/", "http://017700000001:{port}/",
    "http://00000177.0.0.01:{port}/", "http://127.0.0.01:{port}/", "http://127.000.000.001:{port}/",  # octal
    "http://0x7f.0.1:{port}/", "http://0177.0x0.1:{port}/",  # mixed
    "http://383.0.0.1:{port}/", "http://127.0.0.257:{port}/",  # that overflow
    "http://127.0.0.1.:{port}/", "http://127.1.:{port}/", "http://2130706433.:{port}/", "http://127.0.0.1..:{port}/",
    "http://１２７.０.０.１:{port}/", "http://127。0。0。1:{port}/", "http://127．0．0．1:{port}/",
    "http://127｡0｡0｡1:{port}/", "http://①②⑦.⓪.⓪.①:{port}/", "http://𝟭𝟮𝟳.𝟬.𝟬.𝟭:{port}/",
    "http://１２７。０。０。１:{port}/",  # Unicode
    "http://%31%32%37.0.0.1:{port}/", "http://127%2e0%2e0%2e1:{port}/", "http://127.0.0.%31:{port}/",
    "http://%6c%6f%63%61%6c%68%6f%73%74:{port}/", "http://127.0.0.1%00:{port}/",
    "http://127.0.0.1%2f@example.com:{port}/", "http://127.0.0.1%23.example.com:{port}/",  # percent
    "http://localhost:{port}/", "http://LOCALHOST:{port}/", "http://LocalHost:{port}/", "http://localhost.:{port}/",
    "http://localhost.localdomain:{port}/", "http://any.localhost:{port}/", "http://ⓛocalhost:{port}/",
    "http://ｌｏｃａｌｈｏｓｔ:{port}/", "http://localhoſt:{port}/", "http://loc\u00adalhost:{port}/",
    "http://loc\u200balhost:{port}/", "http://ip6-localhost:{port}/",  # names
    "http://[::1]:{port}/", "http://[0:0:0:0:0:0:0:1]:{port}/", "http://[0000::0001]:{port}/",
    "http://[::0.0.0.1]:{port}/", "http://[::]:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::FFFF:7F00:1]:{port}/", "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/", "http://[::127.0.0.1]:{port}/",
    "http://[::1%25lo]:{port}/", "http://[::1%lo]:{port}/", "http://[::1%1]:{port}/",
    "http://[::ffff:127.0.0.1%25lo]:{port}/", "http://[::1]%00:{port}/", "http://[::ffff:0x7f.1]:{port}/",
    "http://[127.0.0.1]:{port}/", "http://[localhost]:{port}/", "http://::1:{port}/", "http://[v1.::1]:{port}/",
    "http://[::1:{port}/", "http://[[::1]]:{port}/", "http://[::1].:{port}/", "http://[::1%00]:{port}/",
    "http://[::１]:{port}/", "http://%5b::1%5d:{port}/", "http://[::1/128]:{port}/", "http://[::1 ]:{port}/",
    "http://[::ffff:127.1]:{port}/", "http://[::ffff:0177.0.0.1]:{port}/",  # IPv6
    "http://example.com@127.0.0.1:{port}/", "http://example.com:80@127.0.0.1:{port}/", "http://@127.0.0.1:{port}/",
    "http://:@127.0.0.1:{port}/", "http://127.0.0.1:{port}@example.com@127.0.0.1:{port}/",
    "http://example.com%40127.0.0.1:{port}/", "http://a%3a@127.0.0.1:{port}/",
    "http://example.com:443:{port}@127.0.0.1:{port}/", "http://example.com＠127.0.0.1:{port}/",
    "http://[2606:4700::1]@8.8.8.8@127.0.0.1:{port}/", "http://8.8.8.8&@127.0.0.1:{port}#@8.8.8.8/",  # user names
    "http://127.0.0.1:{port}\\@example.com/", "http://example.com\\@127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}\\", "http:/\\127.0.0.1:{port}/", "http:127.0.0.1:{port}/", "http:/127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/", "//127.0.0.1:{port}/", "127.0.0.1:{port}/", "http://127.0.0.1\\.com:{port}/",
    "http：//127.0.0.1:{port}/", "http:／／127.0.0.1:{port}/", "http://127.0.0.1：{port}/", "http://127.0.0.1%3a{port}/",
    "http://8.8.8.8／127.0.0.1:{port}/", "url:http://127.0.0.1:{port}/", "http://http://127.0.0.1:{port}/",
    # slashes
    " http://127.0.0.1:{port}/", "http:// 127.0.0.1:{port}/", "http://127.0.0.1 :{port}/", "http://127.0.0.1\t:{port}/",
    "http://127.0\n.0.1:{port}/", "ht\ntp://127.0.0.1:{port}/", "http://127.0.0.1\r\n:{port}/",
    "http://127.0.0.1\x00.example.com:{port}/", "\x01http://127.0.0.1:{port}/", "http://\u3000127.0.0.1:{port}/",
    "http://127.0.0.1\u2028:{port}/", "http://127.0.0.1\u00a0:{port}/", "http://1\u200d27.0.0.1:{port}/",
    # blanks and control characters
    "HTTP://127.0.0.1:{port}/", "hTtP://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "https://localhost:{port}/",
    "http://127.0.0.1:{port}?@example.com/", "http://127.0.0.1:{port}#@example.com/",
    "http://127.0.0.1:{port}/?url=http://example.com", "http://127.0.0.1:{port};example.com/",
    "http://127.0.0.1:0{port}/", "http://127.0.0.1:+{port}/", "http://127.0.0.1: {port}/",
    "http://127.0.0.1::{port}/", "http://127.0.0.1:80:{port}/", "http://127.0.0.1:{port}.0/",
]  # fmt: skip

FORBIDDEN_URLS = {
    # URL → what its host would resolve to: a public address throughout, so that the name alone decides.
    "other schemes": [
        "file:///etc/passwd", "file://example.com/etc/passwd", "ftp://example.com/", "gopher://example.com:80/",
        "dict://example.com:80/", "ldap://example.com/", "data:text/html,hello", "javascript:alert(1)",
        "ws://example.com/", "wss://example.com/", "jar:http://example.com/!/", "unix:///run/docker.sock",
        "http+unix://%2Frun%2Fdocker.sock/", "view-source:http://example.com/", "example.com", "", "http://", "http:",
        "https:///", "http://?", "://example.com", "httpx://example.com/", "about:blank", "blob:http://example.com/",
        "feed:http://example.com/", "ｈｔｔｐ://example.com/", "http ://example.com/", "tftp://example.com/x",
    ],
    "ports of other services": [
        "http://example.com:22/", "http://example.com:25/", "http://example.com:6379/", "http://example.com:11211/",
        "https://example.com:5432/", "http://example.com:0/", "http://example.com:65536/", "http://example.com:-80/",
        "http://example.com:99999999999/", "http://example.com:80:80/", "http://example.com:http/",
        "http://8.8.8.8:53/", "http://[2606:4700:4700::1111]:22/", "http://example.com:2375/",
    ],
    "names and passwords": [
        "http://user@example.com/", "http://user:password@example.com/", "http://:password@example.com/",
        "http://us%40er@example.com/", "https://example.org@example.com/", "http://a:b@c@example.com/",
    ],
    "names of local networks": [
        "http://intranet/", "http://router/", "http://metadata/", "http://printer.local/", "http://nas.lan/",
        "http://metadata.google.internal/", "http://db.internal./", "http://wiki.corp/", "http://host.localdomain/",
        "http://gw.home.arpa/", "http://box.home/", "http://service.onion/", "http://kubernetes.default.svc.cluster.local/",
        "http://kubernetes.default.svc/", "http://instance-data/", "http://host.docker.internal/",
    ],
    "malformed hosts": [
        "http://exa mple.com/", "http://example..com/", "http://.example.com/", "http://example.com../",
        "http://exa%6dple.com/", "http://example.com%2f/", "http://exam\\ple.com/", "http://example.com,127.0.0.1/",
        "http://example.com;127.0.0.1/", "http://exa'mple.com/", "http://ex(a)mple.com/", "http://ex*mple.com/",
        "http://" + "a" * 64 + ".com/", "http://" + "a." * 127 + "com/", "http://[2606:4700:4700::1111/",
        "http://2606:4700:4700::1111/", "http://[2606:4700:4700::1111%25eth0]/", "http://[8.8.8.8]/",
        "http://0x08080808/", "http://134744072/", "http://8.8.2056/", "http://010.8.8.8/", "http://8.8.8.8./",
        "http://8.8.8.256/", "http://8.8.8.8.8/", "http://example.0x7f/", "http://example.127/", "http://127.0.0x1x/", "http://-1/",
        "http://exaｍple..com/", "http://xn--a-ecp.ru\u202e/",
        "http://example.com/" + "a" * 9_000,
    ],
}  # fmt: skip

PUBLIC_URLS = {
    # URL → the address and port that must be dialled. example.com resolves to 93.184.216.34.
    "http://example.com": ("93.184.216.34", 80),
    "http://example.com/": ("93.184.216.34", 80),
    "HTTP://EXAMPLE.COM/": ("93.184.216.34", 80),
    "http://example.com:80/": ("93.184.216.34", 80),
    "http://example.com:/": ("93.184.216.34", 80),
    "http://example.com:080/": ("93.184.216.34", 80),
    "http://example.com:443/": ("93.184.216.34", 443),
    "http://example.com:8080/": ("93.184.216.34", 8080),
    "http://example.com:8443/": ("93.184.216.34", 8443),
    "http://example.com./": ("93.184.216.34", 80),
    "http://example.com/a/../b/./c": ("93.184.216.34", 80),
    "http://example.com/@user/story": ("93.184.216.34", 80),
    "http://example.com/http://127.0.0.1/": ("93.184.216.34", 80),
    "http://example.com/?next=http://127.0.0.1/&mail=a@b.c": ("93.184.216.34", 80),
    "http://example.com?@127.0.0.1/": ("93.184.216.34", 80),
    "http://example.com#@127.0.0.1/": ("93.184.216.34", 80),
    "http://example.com/#fragment": ("93.184.216.34", 80),
    "http://example.com/grün/ü?ß=ö": ("93.184.216.34", 80),
    "http://example.com/with blank": ("93.184.216.34", 80),
    "http://example.com/back\\slash": ("93.184.216.34", 80),
    "http://example.com/%00%0d%0a": ("93.184.216.34", 80),
    "http://example.com/" + "a" * 8_000: ("93.184.216.34", 80),
    "http://www.example.com/": ("93.184.216.34", 80),
    "http://a.b.c.d.e.f.example.com/": ("93.184.216.34", 80),
    "http://under_score.example.com/": ("93.184.216.34", 80),
    "http://r3---sn-a5m7zu7l.example.com/": ("93.184.216.34", 80),
    "http://trailing-.example.com/": ("93.184.216.34", 80),
    "http://123.example.com/": ("93.184.216.34", 80),
    "http://127.0.0.1.example.com/": ("93.184.216.34", 80),
    "http://0x7f.example.com/": ("93.184.216.34", 80),
    "http://localhost.example.com/": ("93.184.216.34", 80),
    "http://internal.example.com/": ("93.184.216.34", 80),
    "http://local.example.com/": ("93.184.216.34", 80),
    "http://notlocalhost.com/": ("93.184.216.34", 80),
    "http://0xcafe.cafe/": ("93.184.216.34", 80),
    "http://dead.beef/": ("93.184.216.34", 80),
    "http://1e100.net/": ("93.184.216.34", 80),
    "http://x.co/": ("93.184.216.34", 80),
    "http://name.museum/": ("93.184.216.34", 80),
    "http://" + "a" * 63 + ".com/": ("93.184.216.34", 80),
    "http://münchen.example/": ("93.184.216.34", 80),
    "http://MÜNCHEN.example/": ("93.184.216.34", 80),
    "http://faß.example/": ("93.184.216.34", 80),
    "http://xn--mnchen-3ya.example/": ("93.184.216.34", 80),
    "http://xn--i-7iq.example/": ("93.184.216.34", 80),
    "http://_dmarc.example.com/": ("93.184.216.34", 80),
    "http://127.0.0.1.nip.io/": ("93.184.216.34", 80),
    "http://10-0-0-1.sslip.io/": ("93.184.216.34", 80),
    "http://中国.icom.museum/": ("93.184.216.34", 80),
    "http://中国。icom。museum/": ("93.184.216.34", 80),
    "http://пример.рф/": ("93.184.216.34", 80),
    "http://xn--e1afmkfd.xn--p1ai/": ("93.184.216.34", 80),
    "http://xn--zzzzzz99999.com/": ("93.184.216.34", 80),
    "http://8.8.8.8/": ("8.8.8.8", 80),
    "http://8.8.8.8:8080/": ("8.8.8.8", 8080),
    "http://[2606:4700:4700::1111]/": ("2606:4700:4700::1111", 80),
    "http://[2606:4700:4700:0:0:0:0:1111]:8080/": ("2606:4700:4700::1111", 8080),
    "http://[2606:4700:4700::4.4.4.4]/": ("2606:4700:4700::404:404", 80),
    "http://[::ffff:8.8.8.8]/": ("8.8.8.8", 80),
}

MIXED_ANSWERS = [
    # What one look-up answers; a single address that is not public spoils it.
    ["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"], ["93.184.216.34", "10.0.0.1", "8.8.8.8"],
    ["2606:4700:4700::1111", "::1"], ["93.184.216.34", "fe80::1"], ["93.184.216.34", "::ffff:127.0.0.1"],
    ["93.184.216.34", "169.254.169.254"], ["2606:4700:4700::1111", "fd00:ec2::254"], ["93.184.216.34", "224.0.0.1"],
    ["93.184.216.34", "64:ff9b::7f00:1"], ["93.184.216.34", "0.0.0.0"], ["8.8.8.8"] * 20 + ["192.168.1.1"],
    ["fe80::1%eth0"], ["2606:4700:4700::1111%2"], ["93.184.216.34", "not an address"], ["127.1"], [""], [],
]  # fmt: skip

REDIRECTS = [
    # Where a public page sends its visitors.
    "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://[::ffff:127.0.0.1]/", "//127.0.0.1/",
    "//user:password@example.com/", "http://inside.example.com/", "//inside.example.com/", "http://example.com:22/",
    "http://example.com:6379/", "ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO",
    "http://metadata.google.internal/", "http://127。0。0。1/", "http://１２７.0.0.1/", "http://127.0.0.1:80\\@example.com/",
    "http://example.com@127.0.0.1/", "javascript:alert(1)", "data:text/plain,x", "http://[fe80::1%25eth0]/",
    "http://[2002:7f00:1::]/", "HTTP://LOCALHOST/", "http://[64:ff9b::a9fe:a9fe]/", "http://[::1",
    "http://example.com:99999/", "\t//10.0.0.1", "/\t/10.0.0.1", "https:///10.0.0.1", "\x01http://10.0.0.1/",
    "http://127.0.0.1%2f@example.com/", "http://example.com:80:80/", "a:b:c", "h" * 9_000,
    "http://example.com:" + "9" * 5_000,
]  # fmt: skip
