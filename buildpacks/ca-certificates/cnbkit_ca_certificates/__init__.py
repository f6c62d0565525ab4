"""The `ca-certificates` buildpack: trust in authorities that only your company knows."""

from __future__ import annotations

from cnbkit import (
    Binding,
    BuildContext,
    Buildpack,
    BuildResult,
    Config,
    Decision,
    Layer,
    LayerEnv,
    LayerKey,
    Option,
    Triggers,
    key,
)

__all__ = ["VARIABLES", "CaCertificates"]

VARIABLES = (
    "SSL_CERT_FILE",  # OpenSSL, Python, uv, py-rattler, httpx
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "CONDA_SSL_VERIFY",
    "AWS_CA_BUNDLE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
)
"""What tells programs where the bundle is, while building."""

# Where distributions keep what they trust; the first is Debian's and Ubuntu's.
_SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


class Settings(Config):
    """What the person who builds may set."""

    at_launch = Option.flag(
        "BP_ENABLE_RUNTIME_CERT_BINDING",
        help="Trust certificates of bindings the image is started with, also if the build has none",
    )


class Certificates(LayerKey):
    """What a bundle depends on."""

    certificates: list[str] = key("certificates")
    system: str = key("the build image's own certificates", default="")


class Chosen(Decision):
    """What is trusted.

    Attributes:
        trust: the key of what joins certificates at launch; None if there are none.
        bundle: the key of the build's bundle; likewise.
        system: what the build image trusts.
        pem: the bindings' certificates, unless all layers have them.
    """

    def __init__(self, trust: Certificates | None = None) -> None:
        super().__init__()
        self.trust = trust
        self.bundle: Certificates | None = None
        self.system = b""
        self.pem = b""


class CaCertificates(Buildpack[Chosen]):
    """Adds certificates of bindings to what is trusted, for later buildpacks and the app."""

    repeatable = True
    triggers = Triggers(settings=("BP_ENABLE_RUNTIME_CERT_BINDING",), bindings=("ca-certificates",))
    config = Settings

    # For later buildpacks: what the build image trusts, and the certificates.
    bundle = Layer.cached("bundle", build=True)

    # For the app: the certificates alone, and what joins them with the run image's at launch.
    trust = Layer.launch("trust")

    def decide(self, ctx: BuildContext) -> Chosen:
        """Which certificates are trusted."""
        bindings = ctx.bindings.all("ca-certificates")
        if not bindings and not Settings.read(ctx.settings).at_launch:
            ctx.log.info("No binding of type ca-certificates, and none wanted at launch")
            return Chosen()
        digests = [each for binding in bindings for each in _digests(binding)]
        decision = Chosen(Certificates(certificates=digests))
        decision.layer(self.trust, decision.trust)
        rebuild = ctx.look(self.trust, decision.trust).rebuild
        if bindings:
            decision.system = _system_bundle(ctx)
            decision.bundle = Certificates(certificates=digests, system=_sha256(decision.system))
            decision.layer(self.bundle, decision.bundle)
            rebuild = rebuild or ctx.look(self.bundle, decision.bundle).rebuild
        if rebuild or ctx.dry:
            decision.pem = self._certificates(ctx, bindings)
        if ctx.dry and bindings:
            path = f"{ctx.scratch}/ca-certificates.pem"
            _write(path, _joined(decision.system, decision.pem))
            _trust(decision.env, path)
        return decision

    def contribute(self, ctx: BuildContext, decision: Chosen) -> BuildResult:
        """Make the bundle of the build and the launch program."""
        if decision.trust is not None:
            with ctx.layer(self.trust, decision.trust) as trust:
                if trust.rebuild:
                    _write(f"{trust.directory}/certificates.pem", decision.pem)
                    trust.exec_d("trust", ctx.buildpack_dir / "launch" / "trust")
        if decision.bundle is not None:
            with ctx.layer(self.bundle, decision.bundle) as bundle:
                if bundle.rebuild:
                    path = f"{bundle.directory}/ca-certificates.pem"
                    _write(path, _joined(decision.system, decision.pem))
                    _trust(bundle.env, path)
        return decision.result

    def _certificates(self, ctx: BuildContext, bindings: list[Binding]) -> bytes:
        # Imported here: a build that changes nothing does without it.
        from cnbkit_ca_certificates.pem import read_certificates

        certificates = read_certificates(bindings)
        for certificate in certificates:
            ctx.log.info(f"Trusting {certificate.subject} ({certificate.where})")
            for warning in certificate.warnings():
                ctx.log.warning(warning)
        return b"".join(certificate.pem for certificate in certificates)


def _joined(system: bytes, pem: bytes) -> bytes:
    return system.rstrip(b"\n") + b"\n" + pem if system else pem


def _trust(env: LayerEnv, path: str) -> None:
    for variable in VARIABLES:
        # What the person who builds has set stays.
        env.build.default(variable, path)


def _digests(binding: Binding) -> list[str]:
    entries = binding.keys()
    return [f"{binding.name}/{entry} #{_sha256(binding.bytes(entry))}" for entry in entries]


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _system_bundle(ctx: BuildContext) -> bytes:
    for path in (ctx.env.get("SSL_CERT_FILE", ""), *_SYSTEM):
        if path:
            try:
                with open(path, "rb") as file:
                    return file.read()
            except OSError:
                continue
    ctx.log.warning(
        "the build image has no certificates of its own: only the bindings' are trusted"
    )
    return b""


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
