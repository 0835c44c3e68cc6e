/**
 * Syslog over UDP into the journal, one identifier for each sender: `nethsm-192.0.2.1`. Started by signstar-syslog.socket
 * with its socket as descriptor 3: `node receive-syslog.ts [JOURNAL-SOCKET]`. Of a message nothing is believed but its
 * priority; UDP does not say who has sent it, so an entry is worth as much as the network it came through.
 */
import { createSocket } from "node:dgram";
import { connect, type Socket } from "node:net";

/** sd_listen_fds(3) */
const firstDescriptor = 3;
/** A network that makes up senders must not make us hold connections without end. */
const maxSenders = 32;
/** Characters of a message, and bytes that may wait for a slow journal. What is more is cut, or counted. */
const maxMessage = 8192;
const maxWaiting = 1024 * 1024;

const journalPath = process.argv[2] ?? "/run/systemd/journal/stdout";
const streams = new Map<string, Socket>();
let dropped = 0;

/** Datagrams wait in systemd's socket until it has started us again. */
function fail(error: Error): never {
  console.error(`error: ${error.message}`);
  process.exit(74);
}

/** The stream protocol of systemd-cat: identifier, unit, priority, priorities before lines, forwarded to nowhere else. */
function openStream(identifier: string): Socket {
  const stream = connect({ path: journalPath });
  stream.on("error", fail).once("close", () => fail(new Error("the journal has closed the connection")));
  // Nothing comes back, but the end of the other side is noticed only by reading.
  stream.resume();
  stream.write(`${identifier}\n\n6\n1\n0\n0\n0\n`);
  return stream;
}

function streamOf(sender: string): { stream: Socket; named: boolean } {
  const named = streams.has(sender) || streams.size < maxSenders;
  const identifier = named ? `nethsm-${sender}` : "nethsm-others";
  const key = named ? sender : identifier;
  const stream = streams.get(key) ?? openStream(identifier);
  streams.set(key, stream);
  return { stream, named };
}

/** RFC 5424 §6.2.1: facility times 8 plus severity. One line, and nothing in it that moves a terminal's cursor. */
function readMessage(bytes: Uint8Array): { severity: number; text: string } {
  const whole = new TextDecoder().decode(bytes);
  const [, digits, rest = ""] = /^<([0-9]{1,3})>(.*)$/s.exec(whole) ?? [];
  const priority = Number(digits ?? Number.NaN);
  const [severity, text] = priority <= 191 ? [priority % 8, rest] : [6, whole];
  const escaped = (character: string) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  return {
    severity,
    text: text
      .trimEnd()
      .slice(0, maxMessage)
      .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, escaped),
  };
}

// The family is that of the descriptor.
const socket = createSocket("udp6");
socket.on("error", fail);
socket.on("message", (bytes, { address }) => {
  const sender = address.replace(/^::ffff:(?=[0-9.]+$)/, "");
  const { stream, named } = streamOf(sender);
  if (stream.writableLength > maxWaiting) {
    dropped += 1;
    return;
  }
  if (dropped > 0) {
    stream.write(`<4>${dropped} messages of devices were dropped: the journal was slower\n`);
    dropped = 0;
  }
  const { severity, text } = readMessage(bytes);
  stream.write(`<${severity}>${named ? "" : `${sender}: `}${text}\n`);
});
socket.bind({ fd: firstDescriptor });
