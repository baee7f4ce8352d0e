"""What runs makes no code out of text, uses no weak cryptography and draws nothing that can be guessed."""

import ast
import re
from collections.abc import Iterator

from support.source import ROOT, Source, sources, tracked

# Calls that make code, objects, commands or templates out of text, or leave a certificate unverified.
_CALLS = {
    "eval", "exec", "compile", "__import__", "system", "popen", "Popen", "getoutput", "getstatusoutput",
    "create_subprocess_shell", "create_subprocess_exec", "from_string", "md5", "Markup",
    "_create_unverified_context",
}  # fmt: skip
# Modules whose whole purpose is one of these.
_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "subprocess", "pty", "commands", "yaml", "xml"}
_OTHER_CRYPTOGRAPHY = {
    "Crypto",
    "Cryptodome",
    "nacl",
    "pyotp",
    "jwt",
    "jose",
    "passlib",
    "rsa",
    "ecdsa",
    "argon2",
}
_PRIMITIVES = {
    "cryptography.hazmat.primitives.ciphers.aead", "cryptography.hazmat.primitives.kdf.hkdf",
    "cryptography.hazmat.primitives.hashes", "cryptography.hazmat.primitives.hmac",
    "cryptography.hazmat.primitives.twofactor.totp", "cryptography.exceptions",
}  # fmt: skip
_FOLDERS = ("services", "libs/shared")
# path: why it may. A draw that nobody has to guess spreads load.
MAY = {
    "services/api/astero_api/features/webhooks/jobs.py": {"random"},
    "services/bot_engine/astero_bot_engine/gateway/backoff.py": {"random"},
    "services/bot_engine/astero_bot_engine/gateway/heartbeat.py": {"random"},
    # RFC 6238 as authenticator apps have it
    "libs/shared/astero_shared/features/mfa/rules.py": {"SHA1"},
    # what ASTERO_SSRF_TEST_ALLOW names on this machine; refused in production
    "libs/shared/astero_shared/outbound/ssrf.py": {"CERT_NONE"},
}
_SCRIPTS = re.compile(
    r"\b(?:eval|Function)\s*\(|\.(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|postMessage"
    r"|(?:local|session)Storage|indexedDB|document\.cookie|__proto__|setTimeout\(\s*[\"']"
)


def dangers(source: Source) -> Iterator[tuple[str, int]]:
    """The dangerous words of one file, with their lines."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names):
                found = [module, *(f"{module}.{alias.name}" for alias in names)]
            case ast.Call(func=ast.Name(id=name)):
                found = [f"{name}()"]
            case ast.Call(func=ast.Attribute(attr=name, value=owner)):
                # `re.compile` and `session.exec` are their own subjects
                found = [f"{name}()"] if name not in {"exec", "compile", "eval"} else []
                found += ["CERT_NONE"] if any(_unverified(word) for word in node.keywords) else []
                found += ["random"] if getattr(owner, "id", "") == "random" else []
            case ast.Attribute(attr="CERT_NONE"):
                found = ["CERT_NONE"]
            case _:
                continue
        for name in found:
            if danger := _danger(name):
                yield danger, node.lineno


def _unverified(word: ast.keyword) -> bool:
    off = isinstance(word.value, ast.Constant) and word.value.value is False
    return off and word.arg in {"verify", "check_hostname", "ssl"}


def _danger(name: str) -> str | None:
    head = name.partition(".")[0]
    if name.removesuffix("()") in _CALLS and name.endswith("()"):
        return name
    if head in _MODULES | _OTHER_CRYPTOGRAPHY | {"random", "CERT_NONE"}:
        return head
    if name.endswith((".SHA1", ".MD5", ".sha1", ".md5")) or name == "sha1()":
        return "SHA1"
    if head == "cryptography" and not any(f"{name}.".startswith(f"{known}.") for known in _PRIMITIVES):
        return name
    return None


def scripts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        if path.startswith("services/") and path.endswith((".js", ".html", ".j2")):
            yield path, (ROOT / path).read_text()


def test_nothing_dangerous_is_called() -> None:
    found = [
        f"{source.path}:{line} {danger}"
        for source in sources(*_FOLDERS)
        for danger, line in dangers(source)
        if danger not in MAY.get(source.path, set())
    ]
    assert found == []


def test_no_permission_is_kept_that_nobody_uses() -> None:
    used = {source.path: {danger for danger, _ in dangers(source)} for source in sources(*_FOLDERS)}
    assert {path: used[path] & allowed for path, allowed in MAY.items()} == MAY


def test_scripts_of_pages_make_no_markup_and_keep_nothing() -> None:
    read = dict(scripts())
    assert any(path.endswith(".js") for path in read)
    assert [(path, found[0]) for path, text in read.items() for found in _SCRIPTS.finditer(text)] == []


def test_passwords_are_typed_unseen_and_may_be_pasted() -> None:
    pages = dict(scripts())
    fields = [
        field for text in pages.values() for field in re.findall(r"<input[^>]*name=\"password\"[^>]*>", text)
    ]
    assert len(fields) >= 2
    for field in fields:
        assert 'type="password"' in field, field
        assert re.search(r'autocomplete="(?:new|current)-password"', field), field
    assert [path for path, text in pages.items() if re.search(r"\bon?paste\b|[\"']paste[\"']", text)] == []


def test_planted_dangers_are_caught() -> None:
    planted = """
eval(given)
import pickle
from subprocess import run
os.system(command)
environment.from_string(given)
hashlib.md5(data)
from hashlib import sha1
ssl.CERT_NONE
httpx.get(url, verify=False)
random.choice(letters)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
import pyotp
re.compile(given)
session.exec(query)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
""".strip().splitlines()
    lines = {line for _, line in dangers(Source("x.py", "\n".join(planted)))}
    assert lines == set(range(1, len(planted) - 2))
    for text in ("a.innerHTML = b", 'localStorage.setItem("a", b)', "window.postMessage(a)", "eval(a)"):
        assert _SCRIPTS.search(text)
