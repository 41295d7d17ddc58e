// The few messages of ONNX's protobuf format that a one-node model needs, so that no converter is installed.

const varint = (value) => {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
};
const integer = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, content) => Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
const text = (field, content) => bytes(field, Buffer.from(content));
const float = (field, value) => {
  const number = Buffer.alloc(4);
  number.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), number]);
};

const attribute = (name, value) => {
  if (typeof value === 'string') return Buffer.concat([text(1, name), bytes(4, Buffer.from(value)), integer(20, 3)]);
  return Number.isInteger(value)
    ? Buffer.concat([text(1, name), integer(3, value), integer(20, 2)])
    : Buffer.concat([text(1, name), float(2, value), integer(20, 1)]);
};
const node = ({ op, domain = '', inputs, outputs, attributes = {} }) =>
  Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
    text(7, domain),
  ]);
const initializer = ({ name, shape, data }) => {
  const type = data instanceof BigInt64Array ? 7 : 1;
  return Buffer.concat([
    ...shape.map((size) => integer(1, size)),
    integer(2, type),
    text(8, name),
    bytes(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  ]);
};
const output = (name) => Buffer.concat([text(1, name), bytes(2, bytes(1, integer(1, 1)))]);

/**
 * A model without inputs: its operands are initializers, and of every result only a small slice leaves.
 * @param {{ opset?: number, nodes: object[], initializers: { name: string, shape: number[], data: Float32Array | BigInt64Array }[], outputs: string[] }} model
 */
export function onnxModel({ opset = 20, nodes, initializers, outputs }) {
  const graph = Buffer.concat([
    ...nodes.map((n) => bytes(1, node(n))),
    text(2, 'bench'),
    ...initializers.map((tensor) => bytes(5, initializer(tensor))),
    ...outputs.map((name) => bytes(12, output(name))),
  ]);
  const opsets = [['', opset], ['com.microsoft', 1]];
  return Buffer.concat([
    integer(1, 9),
    bytes(7, graph),
    ...opsets.map(([domain, version]) => bytes(8, Buffer.concat([text(1, domain), integer(2, version)]))),
  ]);
}
