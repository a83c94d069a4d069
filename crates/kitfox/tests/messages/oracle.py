"""Google's protobuf answers what everything.proto means.

Reads requests from standard input and answers each: an operation (one byte), the name of a message
and a payload, both with their length before them (4 bytes, big-endian); the answer is one byte, 1
for success, and a payload with its length, the error's text where it failed.
"""

import os
import struct
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf import any_pb2, duration_pb2, empty_pb2, struct_pb2, timestamp_pb2, wrappers_pb2


def compiled(proto):
    directory, name = os.path.split(os.path.abspath(proto))
    with tempfile.TemporaryDirectory() as out:
        path = os.path.join(out, "set")
        arguments = ["-I" + directory, "--descriptor_set_out=" + path, name]
        try:
            from grpc_tools import protoc
        except ImportError:
            subprocess.run(["protoc", *arguments], check=True)
        else:
            include = os.path.join(os.path.dirname(protoc.__file__), "_proto")
            if protoc.main(["protoc", "-I" + include, *arguments]) != 0:
                raise SystemExit("protoc refused " + proto)
        with open(path, "rb") as file:
            return descriptor_pb2.FileDescriptorSet.FromString(file.read())


def classes(proto):
    pool = descriptor_pool.Default()
    messages = {}
    for file in compiled(proto).file:
        pool.Add(file)
        for message in file.message_type:
            name = file.package + "." + message.name
            messages[name] = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    return messages


def answer(operation, message, payload):
    if operation == b"b":  # protobuf to protobuf
        message.ParseFromString(payload)
        return message.SerializeToString(deterministic=True)
    if operation == b"p":  # protobuf to JSON
        message.ParseFromString(payload)
        return json_format.MessageToJson(message, indent=None, ensure_ascii=False).encode()
    if operation == b"j":  # JSON to protobuf
        json_format.Parse(payload.decode(), message, ignore_unknown_fields=True)
        return message.SerializeToString(deterministic=True)
    raise SystemExit("unknown operation")


def main():
    messages = classes(sys.argv[1])
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sink.write(b"!")
    sink.flush()
    while operation := source.read(1):
        name = source.read(*struct.unpack(">I", source.read(4)))
        payload = source.read(*struct.unpack(">I", source.read(4)))
        try:
            ok, reply = b"\x01", answer(operation, messages[name.decode()](), payload)
        except Exception as error:
            ok, reply = b"\x00", repr(error).encode()
        sink.write(ok + struct.pack(">I", len(reply)) + reply)
        sink.flush()


main()
