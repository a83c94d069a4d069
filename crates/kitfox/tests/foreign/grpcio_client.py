"""Calls the strings service with Python's grpcio and code generated from its proto.

Usage: grpcio_client.py ADDRESS DIRECTORY_OF_PROTO. Prints one line for each thing that holds.
"""

import importlib
import sys
import tempfile

import grpc
from grpc_tools import protoc

address, directory = sys.argv[1:3]
out = tempfile.mkdtemp()
made = protoc.main(
    ["protoc", f"-I{directory}", f"--python_out={out}", f"--grpc_python_out={out}", "strings.proto"]
)
assert made == 0, "protoc failed"
sys.path.insert(0, out)
messages = importlib.import_module("strings_pb2")
services = importlib.import_module("strings_pb2_grpc")

channel = grpc.insecure_channel(address)
strings = services.StringsStub(channel)


def failure(call):
    try:
        answer = call()
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"no error but {answer}")


answer, call = strings.Uppercase.with_call(messages.UppercaseRequest(text="straße"), timeout=5)
assert answer.text == "STRASSE", answer
assert call.code() is grpc.StatusCode.OK
print("uppercase holds")

assert strings.Count(messages.CountRequest(text="größe"), timeout=5).count == 5
print("count holds")

error = failure(lambda: strings.Uppercase(messages.UppercaseRequest(), timeout=5))
assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error
assert error.details() == "nothing to do: the text is empty", error.details()
details = dict(error.trailing_metadata())["grpc-status-details-bin"]
assert b"google.rpc.ErrorInfo" in details and b"EMPTY" in details, details
print("the domain error holds")

unknown = channel.unary_unary("/strings.v1.Strings/Nothing", lambda _: b"", lambda b: b)
error = failure(lambda: unknown(None, timeout=5))
assert error.code() is grpc.StatusCode.UNIMPLEMENTED, error
print("an unknown method holds")

torn = channel.unary_unary("/strings.v1.Strings/Uppercase", lambda _: b"\x0a\xff", lambda b: b)
error = failure(lambda: torn(None, timeout=5))
assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error
print("a torn message holds")

large = messages.UppercaseRequest(text="x" * (5 * 1024 * 1024))
error = failure(lambda: strings.Uppercase(large, timeout=5))
assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, error
print("a message above the limit holds")

for number in range(200):
    text = f"call {number}"
    assert strings.Uppercase(messages.UppercaseRequest(text=text), timeout=5).text == text.upper()
print("many calls on one connection hold")
