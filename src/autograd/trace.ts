import { onesLike } from '../backend/index.js';
import { leavesOf, namedLeaves, scope, showShape, type Tensor, type Tree } from '../tensor/index.js';
import { vjp } from './grad.js';
import type { Node } from './op.js';
import { listen } from './tape.js';

/** One line of a trace: what is defined, and how. */
type Line = readonly [left: string, right: string] | string;

/**
 * f -> (x, ...rest) -> the program that f runs at x and the one that its gradient runs, one op a line:
 * `%3: float64 [2, 3] = mul %1 [2, 3], 0.5`. x is named x, or x.wte and so on in a tree; other tensors that come from
 * outside are c0, c1 ... (scalars stand as their value); the gradient is that of f, or of its sum.
 */
export function trace<X extends Tree, R extends readonly unknown[]>(
  f: (x: X, ...rest: R) => Tensor,
): (x: X, ...rest: R) => string {
  return (x, ...rest) =>
    scope(() => {
      const { names, lines, describe } = namer(x);
      const paths = namedLeaves(x).map(([path]) => variableName(path));
      let heard = 0;
      const listener = (node: Node): void => {
        // The first ops make the variables of x: they are x, for the reader.
        if (heard < paths.length) {
          names.set(node.outs[0], paths[heard++]);
          return;
        }
        const inputs = node.inputs.map(describe).join(', ');
        lines.push([
          node.outs.map((y) => describe.define(y)).join(' and '),
          `${node.name} ${inputs}${node.detail && `  (${node.detail})`}`,
        ]);
      };
      listen(listener, () => {
        const { value, pullback } = vjp((variable: X) => f(variable, ...rest), x);
        lines.push(`return ${describe(value)}`, '-- backward --');
        const seed = onesLike(value);
        if (value.size !== 1) describe.input(seed, 'ones');
        const gradient = pullback(seed);
        leavesOf(gradient).forEach((d, i) => {
          lines.push(`gradient of ${paths[i]} = ${describe.knows(d) ? describe(d) : `zeros ${showShape(d.shape)}`}`);
        });
      });
      return render(lines);
    });
}

const variableName = (path: string): string => (path === '' ? 'x' : `x.${path}`);

interface Describe {
  (tensor: Tensor): string;
  define(tensor: Tensor): string;
  input(tensor: Tensor, name: string): void;
  knows(tensor: Tensor): boolean;
}

function namer(x: Tree): { names: Map<Tensor, string>; lines: Line[]; describe: Describe } {
  const names = new Map<Tensor, string>();
  const lines: Line[] = [];
  let values = 0;
  let constants = 0;
  const typed = (name: string, t: Tensor): string => `${name}: ${t.dtype} ${showShape(t.shape)}`;
  const input = (tensor: Tensor, name: string): void => {
    names.set(tensor, name);
    lines.push([typed(name, tensor), name === 'ones' ? 'ones' : 'input']);
  };
  for (const [path, tensor] of namedLeaves(x)) input(tensor, variableName(path));
  const describe = (tensor: Tensor): string => {
    const known = names.get(tensor);
    if (known !== undefined) return `${known} ${showShape(tensor.shape)}`;
    // A scalar reads best as its value.
    if (tensor.rank === 0 && tensor.device.readSync !== undefined) return `${tensor.item()}`;
    const name = `c${constants++}`;
    names.set(tensor, name);
    lines.push([typed(name, tensor), 'constant']);
    return describe(tensor);
  };
  const define = (tensor: Tensor): string => {
    const name = `%${++values}`;
    names.set(tensor, name);
    return typed(name, tensor);
  };
  return { names, lines, describe: Object.assign(describe, { define, input, knows: (t: Tensor) => names.has(t) }) };
}

function render(lines: readonly Line[]): string {
  const width = Math.max(...lines.map((line) => (typeof line === 'string' ? 0 : line[0].length)));
  return lines.map((line) => (typeof line === 'string' ? line : `${line[0].padEnd(width)} = ${line[1]}`)).join('\n');
}
