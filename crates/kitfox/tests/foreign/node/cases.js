// The calls that every client of Connect's makes, in Node and in a browser.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { TalkService } from "./contract_pb.js";

function equal(found, expected, what) {
  const [one, other] = [found, expected].map((value) =>
    JSON.stringify(value, (_, item) => (typeof item === "bigint" ? `${item}` : item)));
  if (one !== other) throw new Error(`${what}: found ${one}, expected ${other}`);
}

async function failure(call, what) {
  try {
    await call();
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error(`${what}: it did not fail`);
}

async function all(stream, into = []) {
  for await (const message of stream) into.push(message);
  return into;
}

async function* each(values, field) {
  for (const value of values) yield { [field]: value };
}

const details = (error) => error.details.map((detail) => detail.type);

// What every transport can do.
async function common(client, most) {
  let header, trailer;
  const said = await client.say({ text: "fox" }, {
    headers: { "x-tenant": "blue" },
    timeoutMs: 20000,
    onHeader: (headers) => { header = headers.get("x-said"); },
    onTrailer: (trailers) => { trailer = trailers.get("x-length"); },
  });
  equal([said.text, said.tenant, header, trailer], ["fox", "blue", "yes", "3"], "say");
  equal(said.left > 0n && said.left <= 20000n, true, "the deadline arrives");

  const large = "x".repeat(most ?? 100000);
  equal((await client.say({ text: large })).text === large, true, "a large message, compressed or not");

  const nothing = await failure(() => client.say({ text: "" }), "say nothing");
  equal([nothing.code, nothing.rawMessage], [Code.InvalidArgument, "there is nothing to say"], "say nothing");
  equal(details(nothing).includes("google.rpc.ErrorInfo"), true, "the reason comes along");

  const late = await failure(() => client.say({ text: "wait" }, { timeoutMs: 50 }), "wait");
  equal(late.code, Code.DeadlineExceeded, "wait");

  const numbers = await all(client.count({ to: 3 }, { onTrailer: (trailers) => { trailer = trailers.get("x-last"); } }));
  equal([numbers.map((one) => one.number), trailer], [[1, 2, 3], "yes"], "count");

  const before = [];
  const over = await failure(() => all(client.count({ to: 2, fail: true }), before), "count and fail");
  equal([before.length, over.code, over.rawMessage], [2, Code.OutOfRange, "no number comes after 2"], "count and fail");
  equal(details(over).includes("google.rpc.ErrorInfo"), true, "the reason comes along in a stream");

  const controller = new AbortController();
  const gone = await failure(async () => {
    for await (const one of client.count({ to: 1, wait: true }, { signal: controller.signal })) controller.abort();
  }, "cancel");
  equal(gone.code, Code.Canceled, "cancel");

  const slow = await failure(() => all(client.count({ to: 1, wait: true }, { timeoutMs: 100 })), "late in a stream");
  equal(slow.code, Code.DeadlineExceeded, "late in a stream");
}

// What browsers cannot.
async function streaming(client) {
  equal((await client.sum(each([1n, 2n, 39n], "number"))).sum, 42n, "sum");
  equal((await client.sum(each([], "number"))).sum, 0n, "sum of nothing");
  const words = await all(client.echo(each(["a", "b", "c"], "text")));
  equal(words.map((one) => one.text), ["a", "b", "c"], "echo");
  const before = [];
  const nothing = await failure(() => all(client.echo(each(["a", "", "c"], "text")), before), "echo nothing");
  equal([before.length, nothing.code], [1, Code.InvalidArgument], "echo nothing");
}

// A call must not wait for the one before it.
async function conversation(client) {
  let answered;
  async function* asking() {
    for (const text of ["one", "two"]) {
      const answer = new Promise((resolve) => { answered = resolve; });
      yield { text };
      await answer;
    }
  }
  const heard = [];
  for await (const answer of client.echo(asking())) {
    heard.push(answer.text);
    answered();
  }
  equal(heard, ["one", "two"], "a conversation");
}

// Calls with each of `transports`, and says which passed and which did not.
export async function run(transports) {
  const lines = [];
  for (const { name, transport, most, streams, duplex } of transports) {
    try {
      const client = createClient(TalkService, transport);
      await common(client, most);
      if (streams) await streaming(client);
      if (duplex) await conversation(client);
      lines.push(`ok ${name}`);
    } catch (error) {
      lines.push(`failed ${name}: ${error.stack ?? error}`);
    }
  }
  return lines;
}
