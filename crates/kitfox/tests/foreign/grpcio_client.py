"""Calls the talk service with Python's grpcio and code generated from the host's contract.

Usage: grpcio_client.py ADDRESS DIRECTORY_OF_CONTRACT. Prints one line for each thing that holds.
"""

import importlib
import importlib.resources
import queue
import sys
import tempfile

import grpc
from grpc_tools import protoc

# As google/rpc has it, as far as it is looked at here.
RPC = """
syntax = "proto3";
package google.rpc;
import "google/protobuf/any.proto";
message Status {
  int32 code = 1;
  string message = 2;
  repeated google.protobuf.Any details = 3;
}
message ErrorInfo {
  string reason = 1;
  string domain = 2;
  map<string, string> metadata = 3;
}
"""

address, directory = sys.argv[1:3]
out = tempfile.mkdtemp()
known = importlib.resources.files("grpc_tools") / "_proto"
with open(f"{directory}/status.proto", "w") as file:
    file.write(RPC)
for name in ["contract.proto", "status.proto"]:
    made = protoc.main(
        ["protoc", f"-I{directory}", f"-I{known}", f"--python_out={out}"]
        + [f"--grpc_python_out={out}", name]
    )
    assert made == 0, f"protoc refuses {name}"
sys.path.insert(0, out)
messages = importlib.import_module("contract_pb2")
services = importlib.import_module("contract_pb2_grpc")
rpc = importlib.import_module("status_pb2")

channel = grpc.insecure_channel(address)
talk = services.TalkServiceStub(channel)


def failure(call):
    try:
        answer = call()
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"no error but {answer}")


def reason(error):
    """What the details say that programs look at."""
    status = rpc.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details()), status
    info = rpc.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details), status
    return info.reason


answer, call = talk.Say.with_call(
    messages.SayRequest(text="fox"), timeout=20, metadata=[("x-tenant", "blue")]
)
assert (answer.text, answer.tenant) == ("fox", "blue"), answer
assert 0 < answer.left <= 20000, answer
assert call.code() is grpc.StatusCode.OK
assert dict(call.initial_metadata())["x-said"] == "yes"
assert dict(call.trailing_metadata())["x-length"] == "3"
print("a call with its metadata and deadline holds")

large = "x" * 1_000_000
for compression in [grpc.Compression.NoCompression, grpc.Compression.Gzip]:
    answer = talk.Say(messages.SayRequest(text=large), timeout=20, compression=compression)
    assert answer.text == large
print("a large message holds, compressed or not")

error = failure(lambda: talk.Say(messages.SayRequest(), timeout=20))
assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error
assert (error.details(), reason(error)) == ("there is nothing to say", "NOTHING"), error
print("the domain error holds")

error = failure(lambda: talk.Say(messages.SayRequest(text="wait"), timeout=0.05))
assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error
error = failure(lambda: list(talk.Count(messages.CountRequest(to=1, wait=True), timeout=0.1)))
assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error
print("the deadline holds, in a stream, too")

stream = talk.Count(messages.CountRequest(to=3), timeout=20)
assert [one.number for one in stream] == [1, 2, 3]
assert dict(stream.initial_metadata())["x-to"] == "3"
assert dict(stream.trailing_metadata())["x-last"] == "yes"
print("a stream from the server holds")

stream = talk.Count(messages.CountRequest(to=2, fail=True), timeout=20)
heard = []
error = failure(lambda: [heard.append(one.number) for one in stream])
assert heard == [1, 2], heard
assert (error.code(), reason(error)) == (grpc.StatusCode.OUT_OF_RANGE, "OVER"), error
assert error.details() == "no number comes after 2", error.details()
print("a failure in the middle of a stream holds")

numbers = [messages.SumRequest(number=number) for number in range(-5, 1000)]
assert talk.Sum(iter(numbers), timeout=20).sum == sum(range(-5, 1000))
assert talk.Sum(iter([]), timeout=20).sum == 0
print("a stream to the server holds")

asked = queue.Queue()
answers = talk.Echo(iter(asked.get, None), timeout=20)
for text in ["one", "two", "three"]:
    asked.put(messages.EchoRequest(text=text))
    assert next(answers).text == text
asked.put(None)
assert list(answers) == []
print("a conversation holds")

# Neither has a deadline: only the host's notice that nobody waits any more lets it end in time.
stream = talk.Count(messages.CountRequest(to=1, wait=True))
assert next(stream).number == 1
stream.cancel()
error = failure(lambda: next(stream))
assert error.code() is grpc.StatusCode.CANCELLED, error
waiting = talk.Say.future(messages.SayRequest(text="wait"))
waiting.cancel()
assert waiting.cancelled()
print("cancellation holds")

unknown = channel.unary_unary("/foreign.v1.TalkService/Nothing", lambda _: b"", lambda b: b)
error = failure(lambda: unknown(None, timeout=20))
assert error.code() is grpc.StatusCode.UNIMPLEMENTED, error
torn = channel.unary_unary("/foreign.v1.TalkService/Say", lambda _: b"\x0a\xff", lambda b: b)
error = failure(lambda: torn(None, timeout=20))
assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error
error = failure(lambda: talk.Say(messages.SayRequest(text="x" * (5 * 1024 * 1024)), timeout=20))
assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, error
print("what is unknown, torn or too large is refused")

for number in range(200):
    assert talk.Say(messages.SayRequest(text=f"call {number}"), timeout=20).text == f"call {number}"
print("many calls on one connection hold")
