# Generated: python -m cnbkit_engine.base.recipe bookworm run
# Build with: docker build -f run-bookworm.Dockerfile .
FROM debian:bookworm-slim AS packages
COPY dpkg.cfg /etc/dpkg/dpkg.cfg.d/cnbkit
COPY finish.py run.txt /tmp/
RUN apt-get update && apt-get install -y --no-install-recommends \
        base-files \
        base-passwd \
        bash \
        ca-certificates \
        coreutils \
        dash \
        findutils \
        grep \
        gzip \
        hostname \
        libc-bin \
        libgcc-s1 \
        libgomp1 \
        libstdc++6 \
        media-types \
        ncurses-base \
        netbase \
        python3 \
        python3-distutils \
        sed \
        tar \
        tzdata \
        zlib1g
RUN env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONHASHSEED=0 python3 -S -B /tmp/finish.py run /tmp/run.txt

# one layer, without the files removed above
FROM scratch
COPY --from=packages / /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LABEL io.buildpacks.base.id="cnbkit.bookworm"
LABEL io.buildpacks.base.maintainer="cnbkit"
LABEL io.buildpacks.base.homepage="https://github.com/cnbkit/cnbkit"
LABEL io.buildpacks.base.description="Debian 12 with Python 3.11; runs apps"
LABEL io.buildpacks.base.distro.name="debian"
LABEL io.buildpacks.base.distro.version="12"
LABEL io.buildpacks.stack.id="cnbkit.bookworm"
USER 1000:1000
