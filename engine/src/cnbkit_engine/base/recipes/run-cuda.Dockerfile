# Generated: python -m cnbkit_engine.base.gpu
# Build with: docker build -f run-cuda.Dockerfile --build-arg run_image=REF .
ARG run_image
FROM ${run_image}
ENV NVIDIA_VISIBLE_DEVICES=all
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
