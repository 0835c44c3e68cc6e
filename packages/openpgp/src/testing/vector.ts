/** A signature over `I like strawberries\n` that GnuPG 2.2.40 calls good; Ed25519, secret seed 31 zero bytes and 2a. */
import { fromHex, toUtf8 } from "@signstar/primitives/bytes";

export const vector = {
  data: toUtf8("I like strawberries\n"),
  seed: fromHex(`${"00".repeat(31)}2a`),
  keyCreationTime: 0x67000000,
  signatureTime: 0x67c5ad56,
  fingerprint: "e2762b7a35cca2eaf594b9ed7361db84cc382dd9",
  digest:
    "6b0e89ff896105bdb41260114d8d0b0ac697b96d3f4b3892e3faeadf4ade1278f5dda82057daf960f53edb495d291cf35666921314cc25b28c4251e8caa5fa27",
  raw: fromHex(
    "9c8db02143fa147415ec4e13a9e5b800cb08f3fdce9817e5b7b9d8e906ca260ed820e1e440ac1574f99974bea391d912dbffc6bcdf19e2e6aabf5d783ddb610d",
  ),
  packet: fromHex(
    "c2c0180400160a008a050267c5ad5609107361db84cc382dd9162104e2762b7a35cca2eaf594b9ed7361db84cc382dd9" +
      "62140000000000190040646174612d64696765737440617263686c696e75782e6f7267" +
      "55b956f9bb40752fa328c93523a9775aa84e1d2014372779fdcb9f525528e91ad00d6f3d5d64c71fb98cc3725c766ced6498d4b1bd3892cc894ceb1f65011337" +
      "00006b0e01009c8db02143fa147415ec4e13a9e5b800cb08f3fdce9817e5b7b9d8e906ca260e" +
      "0100d820e1e440ac1574f99974bea391d912dbffc6bcdf19e2e6aabf5d783ddb610d",
  ),
  /** Key flags 03, generic self-signature. */
  certificate: fromHex(
    "c633046700000016092b06010401da470f01010740c561fa9f643fe5c60113cce9db282fde2b9e5ca5fc6b6fc0d1679bb339c9f72f" +
      "cd1754657374203c74657374406578616d706c652e6f72673e" +
      "c27b0410160a0023021901050267000000021b03162104e2762b7a35cca2eaf594b9ed7361db84cc382dd9000a09107361db84cc382dd9" +
      "481500fe2f5d4b90b8facb1318ac7cfc0f51ec9a38ea8203d63dea5ddf0dfa1b0923ff4600ff7ff44bae191d799121d3fd2b1e005a05d81d99e7c09f0ab140fc53dbacf40202",
  ),
} as const;
