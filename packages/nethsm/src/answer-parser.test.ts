import { concat } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Head } from "./answer-head.ts";
import { AnswerParser } from "./answer-parser.ts";
import { Trouble } from "./trouble.ts";

interface Read {
  readonly head: Head | undefined;
  readonly body: string;
  readonly ended: boolean;
  /** Bytes behind the answer. */
  readonly surplus: number;
}

/** As it is read when it comes in pieces of these lengths, again and again, and the connection then ends. */
function read(bytes: Uint8Array, lengths: readonly number[] = [bytes.length], method = "GET"): Read {
  let head: Head | undefined;
  const body: Uint8Array[] = [];
  let ends = 0;
  const parser = new AnswerParser(method, {
    head: (found) => {
      expect(head).toBeUndefined();
      head = found;
    },
    body: (piece) => body.push(piece.slice()),
    end: () => (ends += 1),
  });
  let surplus = 0;
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const piece = bytes.subarray(at, at + Math.max(1, lengths[i % lengths.length] ?? 1));
    surplus += piece.length - parser.feed(piece);
    at += piece.length;
  }
  parser.close();
  expect(ends).toBe(parser.ended ? 1 : 0);
  return { head, body: Buffer.from(concat(...body)).toString("latin1"), ended: parser.ended, surplus };
}

const latin1 = (text: string) => Buffer.from(text, "latin1");
const ok = (fields: string, body = "") => latin1(`HTTP/1.1 200 OK\r\n${fields}\r\n${body}`);

const content = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

describe("however it is cut, an answer is read as it was meant,", () => {
  const expected = (body: string, surplus = 0) => ({ body, ended: true, surplus });

  test("with a length", () => {
    fc.assert(
      fc.property(content, content, pieces, (body, behind, lengths) => {
        const bytes = ok(`content-length: ${body.length}\r\n`, body + behind);
        expect(read(bytes, lengths)).toMatchObject(expected(body, behind.length));
      }),
    );
  });

  test("in chunks, with extensions and trailers", () => {
    const chunk = fc.tuple(
      content.filter((text) => text !== ""),
      fc.constantFrom("", ";a", ' ;a="b c"'),
      fc.boolean(),
    );
    const trailer = fc.constantFrom("", "a: b\r\n", "a: b\r\nc: d\r\n");
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 4 }), trailer, content, pieces, (chunks, end, behind, lengths) => {
        const coded = chunks.map(([text, extension, upper]) => {
          const size = text.length.toString(16);
          return `${upper ? size.toUpperCase() : `0${size}`}${extension}\r\n${text}\r\n`;
        });
        const bytes = ok("Transfer-Encoding: Chunked\r\n", `${coded.join("")}0\r\n${end}\r\n${behind}`);
        expect(read(bytes, lengths)).toMatchObject(expected(chunks.map(([text]) => text).join(""), behind.length));
      }),
    );
  });

  test("until the connection ends, which is then not used again", () => {
    fc.assert(
      fc.property(content, pieces, (body, lengths) => {
        const answer = read(ok("", body), lengths);
        expect(answer).toMatchObject(expected(body));
        expect(answer.head?.idleMs).toBe(0);
      }),
    );
  });

  test("behind others that only announce it", () => {
    const bytes = concat(
      latin1("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100\r\na: b\r\n\r\n"),
      ok("content-length: 1\r\n", "x"),
    );
    fc.assert(
      fc.property(pieces, (lengths) => {
        expect(read(bytes, lengths)).toMatchObject(expected("x"));
      }),
    );
  });
});

test("an answer that is not whole has not ended", () => {
  for (const cut of ["content-length: 3\r\n|ab", "transfer-encoding: chunked\r\n|2\r\nab\r\n", "content-le|"]) {
    const [fields = "", body = ""] = cut.split("|");
    const bytes = fields.endsWith("\n") ? ok(fields, body) : latin1(`HTTP/1.1 200 OK\r\n${fields}`);
    expect(read(bytes).ended).toBe(false);
  }
});

test.each([
  ["HEAD", "200 OK"],
  ["PUT", "304 Not Modified"],
  ["DELETE", "204 No Content"],
])("the answer to %s with %s has no body, whatever its length says", (method, status) => {
  const bytes = latin1(`HTTP/1.1 ${status}\r\ncontent-length: 4\r\n\r\nbody`);
  const answer = read(bytes, [bytes.length], method);
  expect(answer).toMatchObject({ body: "", ended: true, surplus: 4 });
  // It may come nevertheless, and later.
  expect(answer.head?.idleMs).toBe(0);
});

describe("a connection is kept", () => {
  test.each([
    ["", undefined],
    ["Connection: keep-alive\r\n", undefined],
    ["Keep-Alive: timeout=5\r\n", 4000],
    ["keep-alive: max=3, timeout=1\r\n", 0],
    ["Connection: close\r\n", 0],
    ["connection: x, Close\r\n", 0],
    ["connection: x\r\nconnection: close\r\n", 0],
  ])("after %j for %s", (fields, idleMs) => {
    expect(read(ok(`${fields}content-length: 0\r\n`)).head?.idleMs).toBe(idleMs);
  });

  test("not by HTTP/1.0", () => {
    expect(read(latin1("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n")).head?.idleMs).toBe(0);
  });
});

describe("what others might read differently is refused:", () => {
  test.each([
    ["two lengths", ok("content-length: 1\r\ncontent-length: 1\r\n")],
    ["a length and chunks", ok("content-length: 1\r\ntransfer-encoding: chunked\r\n")],
    ["a length in hexadecimal", ok("content-length: 0x1\r\n")],
    ["a negative length", ok("content-length: -1\r\n")],
    ["a list of lengths", ok("content-length: 1, 1\r\n")],
    ["another coding", ok("transfer-encoding: gzip, chunked\r\n")],
    ["chunks of HTTP/1.0", latin1("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")],
    ["a folded line", ok("a: b\r\n c\r\n")],
    ["space before the colon", ok("content-length : 1\r\n")],
    ["a line without colon", ok("a\r\n")],
    ["lines that end with LF", latin1("HTTP/1.1 200 OK\ncontent-length: 0\n\n\r\n\r\n")],
    ["NUL", ok("a: \0\r\n")],
    ["a chunk longer than its size", ok("transfer-encoding: chunked\r\n", "1\r\nab\r\n")],
    ["a chunk of no size", ok("transfer-encoding: chunked\r\n", "\r\n")],
    ["a chunk of signed size", ok("transfer-encoding: chunked\r\n", "+1\r\na\r\n")],
    ["a chunk line without CR", ok("transfer-encoding: chunked\r\n", "1\na\r\n")],
    ["an endless chunk line", ok("transfer-encoding: chunked\r\n", `1;${"x".repeat(2000)}`)],
    ["endless trailers", ok("transfer-encoding: chunked\r\n", `0\r\n${"a: b\r\n".repeat(4000)}`)],
    ["an endless head", ok("a: b\r\n".repeat(4000))],
    ["an endless line", latin1("HTTP/1.1 200 ".padEnd(20_000, "x"))],
    ["another protocol", latin1("SSH-2.0-OpenSSH_9.2\r\n")],
    ["an upgrade", latin1("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n")],
    ["HTTP/2", latin1("HTTP/2.0 200 OK\r\n\r\n")],
    ["a status of two digits", latin1("HTTP/1.1 20 OK\r\n\r\n")],
  ])("%s", (_, bytes) => {
    for (const lengths of [[bytes.length], [1]]) {
      expect(() => read(bytes, lengths)).toThrow(expect.objectContaining({ code: "bad-answer" }));
    }
  });
});

test("whatever comes is read or refused", () => {
  const parts = [
    "HTTP/1.1 200 OK",
    "\r\n",
    "\n",
    "content-length: 2",
    "transfer-encoding: chunked",
    "2",
    "0",
    ":",
    "ab",
  ];
  const noise = fc.array(fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 4 })), { maxLength: 30 });
  fc.assert(
    fc.property(noise, pieces, (texts, lengths) => {
      try {
        read(latin1(texts.join("")), lengths);
      } catch (error) {
        expect(error).toBeInstanceOf(Trouble);
      }
    }),
    { numRuns: 500 },
  );
});
