import {
  answerTooLong,
  type Errand,
  type Exchange,
  maxAnswerBytes,
  noAnswer,
  requireSuccess,
  signing,
} from "./exchange.ts";
import type { Link, OpenLink } from "./link.ts";
import { beforeSignal } from "./uninterrupted.ts";

/** The plain protocol: each request over a link of its own, most of them without a word. */
export function exchangeOver(open: OpenLink, host: string, timeoutMs: number, errand = signing): Exchange {
  return async (request, words = "") => {
    const link = open(words);
    using _ = beforeSignal(() => link.close());
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(noAnswer(host, timeoutMs)), timeoutMs);
      });
      return await Promise.race([converse(link, request, host, errand), late]);
    } finally {
      clearTimeout(timer);
      link.close();
    }
  };
}

async function converse(link: Link, request: string, host: string, errand: Errand): Promise<Uint8Array> {
  const sent = link.send(request).then(() => link.finish());
  const [answer, end] = await Promise.all([read(link, host, errand), link.ended, sent]);
  requireSuccess(end, host, errand);
  return answer;
}

async function read(link: Link, host: string, errand: Errand): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of link.output) {
    size += piece.length;
    if (size > maxAnswerBytes) throw answerTooLong(host, errand);
    pieces.push(piece);
  }
  return new Uint8Array(Buffer.concat(pieces));
}
