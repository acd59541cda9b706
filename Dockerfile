# A server without an operating system around it: one static binary, certificates, and a folder for its table.
# docs/own-machine.md says how to run it. Build it where Docker or Podman is: docker build -t bedrock-sidecar .

# The version of rust-toolchain.toml. Alpine's C library is musl, so what is built there needs no other file.
FROM rust:1.95.0-alpine AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --profile server --bin bedrock-sidecar \
    && install -D target/server/bedrock-sidecar /image/bedrock-sidecar \
    && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    && install -d -m 700 -o 65532 -g 65532 /image/data

FROM scratch
COPY --from=build /image /
# A container's port is not on loopback, so the server starts with a master key of its own only.
ENV HOST=0.0.0.0 \
    PORT=4000 \
    DATA_DIR=/data
USER 65532:65532
VOLUME /data
EXPOSE 4000
ENTRYPOINT ["/bedrock-sidecar"]
CMD ["serve"]
