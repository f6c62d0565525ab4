#!/bin/sh
# Builds examples/torch-classify for CUDA and trains it on this machine's NVIDIA GPU.
#
#   bench/gpu.sh [WORD]     WORD as in hardware.txt, cuda:12.8 if not given
#
# The container is started with NVIDIA's runtime and nothing else said: that it sees the GPU is the
# doing of the image's configuration. Downloads about 3 GB, and needs 15 GB of disk for a while.
#
# Exit status: 0 the GPU did the work; 1 it did not, or something failed on the way; 64 wrong usage;
# 69 there is no GPU here, or one of the tools is missing.
set -eu

word=${1:-cuda:12.8}
case $#/$word in
[01]/cuda | [01]/cuda:[1-9]*) ;;
*) echo "usage: bench/gpu.sh [cuda:VERSION]" >&2 && exit 64 ;;
esac
root=$(cd "$(dirname "$0")/.." && pwd)
cnbkit=$root/.venv/bin/cnbkit
# Another root of the file system, as for the check at start: for tests.
driver=${CNBKIT_CUDA_ROOT-}/proc/driver/nvidia/version

lacks() {
  echo "gpu: $1" >&2
  exit 69
}

[ -r "$driver" ] || lacks "there is no NVIDIA GPU here, or its driver is not loaded: no $driver"
[ -x "$cnbkit" ] || lacks "cnbkit is not installed here: run tools/setup"
command -v docker >/dev/null || lacks "there is no docker: install Docker"
runtimes=$(docker info --format '{{range $name, $_ := .Runtimes}}{{println $name}}{{end}}' 2>&1) ||
  lacks "the Docker engine does not answer: $(echo "$runtimes" | tail -n 1)"
echo "$runtimes" | grep -qx nvidia || lacks "Docker has no runtime nvidia: \
install NVIDIA's container toolkit, then: nvidia-ctk runtime configure --runtime=docker"

image="cnbkit-bench-gpu"
space=$(mktemp -d "${TMPDIR:-/var/tmp}/cnbkit-gpu-XXXXXX")
trap 'rm -rf "$space"' EXIT
trap 'exit 130' INT TERM

"$cnbkit" build "$root/examples/torch-classify" --tag "$image" --hardware "$word" \
  --output "docker-archive:$space/image.tar"
docker load --quiet --input "$space/image.tar"
rm "$space/image.tar"

mkdir "$space/model"
chmod 777 "$space/model" # the image's user is another one
said=$(docker run --rm --runtime nvidia --volume "$space/model:/model" \
  --env MODEL=/model/model.pt --entrypoint train "$image")
echo "$said"
docker run --rm --runtime nvidia --entrypoint launcher "$image" python3 -c \
  'import torch; print("torch", torch.__version__, "for CUDA", torch.version.cuda, "on",
  torch.cuda.get_device_name() if torch.cuda.is_available() else "the processor")'
case $said in
*"trained on cuda"*) echo "gpu: the GPU was used" ;;
*) echo "gpu: the GPU was not used" >&2 && exit 1 ;;
esac
