# Generated: python -m cnbkit_engine.base.recipe trixie build
# Build with: docker build -f build-trixie.Dockerfile .
FROM debian:trixie-slim AS packages
COPY dpkg.cfg /etc/dpkg/dpkg.cfg.d/cnbkit
COPY finish.py run.txt /tmp/
RUN apt-get update && apt-get install -y --no-install-recommends \
        apt \
        base-files \
        base-passwd \
        bash \
        build-essential \
        ca-certificates \
        coreutils \
        curl \
        dash \
        dpkg \
        findutils \
        git \
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
        pkg-config \
        python3 \
        python3-dev \
        sed \
        tar \
        tzdata \
        tzdata-legacy \
        xz-utils \
        zlib1g
RUN env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONHASHSEED=0 python3 -S -B /tmp/finish.py build /tmp/run.txt

# one layer, without the files removed above
FROM scratch
COPY --from=packages / /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV CNB_USER_ID=1000
ENV CNB_GROUP_ID=1000
ENV CNB_STACK_ID=cnbkit.trixie
LABEL io.buildpacks.base.id="cnbkit.trixie"
LABEL io.buildpacks.base.maintainer="cnbkit"
LABEL io.buildpacks.base.homepage="https://github.com/cnbkit/cnbkit"
LABEL io.buildpacks.base.description="Debian 13 with Python 3.13; runs buildpacks"
LABEL io.buildpacks.base.distro.name="debian"
LABEL io.buildpacks.base.distro.version="13"
LABEL io.buildpacks.stack.id="cnbkit.trixie"
USER 1000:1000
