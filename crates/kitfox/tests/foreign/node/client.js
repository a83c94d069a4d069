// Calls a host, whose address is the argument, with every protocol that connect-node has.
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport, compressionGzip } from "@connectrpc/connect-node";
import { run } from "./cases.js";

const baseUrl = process.argv[2];
const transports = [];
for (const useBinaryFormat of [true, false]) {
  const format = useBinaryFormat ? "protobuf" : "JSON";
  for (const httpVersion of ["1.1", "2"]) {
    const duplex = httpVersion === "2";
    const options = { baseUrl, httpVersion, useBinaryFormat, acceptCompression: [compressionGzip], sendCompression: compressionGzip };
    const add = (name, transport) =>
      transports.push({ name: `${name}, ${format}, HTTP/${httpVersion}`, transport, streams: true, duplex });
    add("Connect", createConnectTransport(options));
    add("Connect by GET", createConnectTransport({ ...options, useHttpGet: true }));
    add("Connect, plain", createConnectTransport({ baseUrl, httpVersion, useBinaryFormat, acceptCompression: [] }));
    add("gRPC-Web", createGrpcWebTransport(options));
    if (duplex) add("gRPC", createGrpcTransport(options));
  }
}
const lines = await run(transports);
console.log(lines.join("\n"));
process.exit(lines.every((line) => line.startsWith("ok ")) ? 0 : 1);
