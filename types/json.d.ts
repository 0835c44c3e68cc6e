// JSON.parse gives outside data: it is `unknown` until a parser has looked at it.
interface JSON {
  parse(text: string, reviver?: (this: unknown, key: string, value: unknown) => unknown): unknown;
}
