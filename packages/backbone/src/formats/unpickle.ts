/**
 * A pickle machine that builds plain values and runs nothing. Python's pickles name classes and functions to call; here a host decides, name by
 * name, which names it knows, and does itself what they stand for. An unknown name ends the reading.
 *
 * Source: the opcodes of CPython's `pickletools`, protocols 2 to 4, without those for instances and extensions.
 */

import type { PickleValue } from './pickle-values';
import { fillDict, isDict, isGlobal, isSequence, kindOf } from './pickle-values';
import { refuse } from './refuse';

/** What the pickle's names stand for. */
export interface PickleHost<H> {
  /** Called for every name (`module.attribute`) before it is used; throws for one it does not know. */
  checkName(name: string): void;
  /** What a call of a known name gives. */
  call(name: string, args: readonly PickleValue<H>[]): PickleValue<H>;
  /** What a persistent id stands for. */
  load(id: PickleValue<H>): PickleValue<H>;
}

const longestPickle = 64 * 2 ** 20;
const mostItems = 1_000_000;
const here = 'pickle';

/**
 * Reads one pickle.
 *
 * @throws CheckpointError for a name the host refuses, an opcode that builds instances, a value that is cut off, more than a million
 * values, arguments and remembered values in all, or a pickle above 64 MB
 * @example
 * unpickle(Uint8Array.of(0x80, 2, 0x4b, 7, 0x2e), host); // 7
 */
export function unpickle<H>(bytes: Uint8Array, host: PickleHost<H>): PickleValue<H> {
  if (bytes.length > longestPickle) refuse(here, `at most ${longestPickle} bytes`, String(bytes.length));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: PickleValue<H>[] = [];
  const marks: number[] = [];
  const memo: PickleValue<H>[] = [];
  let at = 0;
  let items = 0;

  /** Counts what is made or handled, dropped again or not: a few bytes may name something long, over and over. */
  const charge = (count: number): void => {
    items += count;
    if (items > mostItems) refuse(here, `at most ${mostItems} values, arguments and remembered values`, 'more');
  };
  /** The place of the next `count` bytes, which are then behind. */
  const take = (count: number): number => {
    if (count > bytes.length - at)
      refuse(here, `${count} more bytes at byte ${at}`, `${bytes.length - at}`, 'It is cut off.');
    at += count;
    return at - count;
  };
  const uint8 = (): number => view.getUint8(take(1));
  const uint16 = (): number => view.getUint16(take(2), true);
  const uint32 = (): number => view.getUint32(take(4), true);
  const uint64 = (): number => {
    const place = take(8);
    const value = view.getUint32(place + 4, true) * 2 ** 32 + view.getUint32(place, true);
    return Number.isSafeInteger(value) ? value : refuse(here, 'a length below 2^53', String(value));
  };
  const blob = (length: number): Uint8Array => {
    const place = take(length);
    return bytes.subarray(place, place + length);
  };
  const text = (length: number): string => decodeText(blob(length), 'utf-8');
  const integer = (length: number): number | bigint => {
    charge(length);
    return littleEndianInteger(blob(length));
  };
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) refuse(here, 'a line with a name', 'the end', 'It is cut off.');
    const value = text(end - at);
    at = end + 1;
    return value;
  };

  const push = (value: PickleValue<H>): void => {
    charge(1);
    stack.push(value);
  };
  const pop = (): PickleValue<H> => {
    const value = stack.length > (marks.at(-1) ?? 0) ? stack.pop() : undefined;
    return value === undefined ? refuse(here, `a value on the stack at byte ${at}`, 'none') : value;
  };
  const top = (): PickleValue<H> => {
    const value = pop();
    stack.push(value);
    return value;
  };
  const popToMark = (): PickleValue<H>[] => {
    const mark = marks.pop();
    return mark === undefined ? refuse(here, `a mark on the stack at byte ${at}`, 'none') : stack.splice(mark);
  };
  const popTuple = (count: number): void => {
    const items = Array.from({ length: count }, pop).reverse();
    push({ kind: 'tuple', items });
  };

  const remember = (index: number): void => {
    charge(1);
    if (index >= mostItems) refuse(here, `a memo of at most ${mostItems} values`, String(index));
    memo[index] = top();
  };
  const recall = (index: number): void => {
    const value = memo[index];
    push(value === undefined ? refuse(here, `a remembered value ${index}`, 'none') : value);
  };

  const pushGlobal = (module: string, attribute: string): void => {
    const name = `${module}.${attribute}`;
    host.checkName(name);
    push({ kind: 'global', name });
  };
  const append = (items: readonly PickleValue<H>[]): void => {
    const list = top();
    if (!isSequence(list) || list.kind !== 'list') refuse(here, 'a list to append to', kindOf(list));
    for (const item of items) list.items.push(item);
  };
  const assign = (items: readonly PickleValue<H>[]): void => {
    const dict = top();
    if (!isDict(dict)) refuse(here, 'a dict to fill', kindOf(dict));
    fillDict(dict.entries, items);
  };
  const call = (): void => {
    const args = pop();
    const callee = pop();
    if (!isSequence(args) || args.kind !== 'tuple') refuse(here, 'a tuple of arguments', kindOf(args));
    if (!isGlobal(callee)) refuse(here, 'a name to call', kindOf(callee));
    for (const arg of args.items) charge(isSequence(arg) ? 1 + arg.items.length : 1);
    push(host.call(callee.name, args.items));
  };
  /** An OrderedDict may get attributes (`_metadata` of a state dict): they say nothing about tensors and are dropped. */
  const build = (): void => {
    const attributes = pop();
    const target = top();
    if (!isDict(target) || !target.isOrdered || !isDict(attributes)) {
      refuse(here, 'attributes on nothing but an OrderedDict', kindOf(target));
    }
  };

  for (;;) {
    const opcode = uint8();
    switch (opcode) {
      case 0x80: {
        const protocol = uint8();
        if (protocol < 2 || protocol > 5) refuse(here, 'protocol 2 to 5', String(protocol));
        break;
      }
      case 0x95: // FRAME: a hint for readers of streams
        uint64();
        break;
      case 0x2e: {
        const result = pop();
        return stack.length === 0 && marks.length === 0 ? result : refuse(here, 'one value at the end', 'more');
      }
      case 0x28: // MARK
        charge(1);
        marks.push(stack.length);
        break;
      case 0x30: // POP
        if (marks.at(-1) === stack.length) marks.pop();
        else pop();
        break;
      case 0x31: // POP_MARK
        popToMark();
        break;
      case 0x32: // DUP
        push(top());
        break;

      case 0x4e:
        push(null);
        break;
      case 0x88:
        push(true);
        break;
      case 0x89:
        push(false);
        break;
      case 0x4a: // BININT
        push(view.getInt32(take(4), true));
        break;
      case 0x4b: // BININT1
        push(uint8());
        break;
      case 0x4d: // BININT2
        push(uint16());
        break;
      case 0x8a: // LONG1
        push(integer(uint8()));
        break;
      case 0x47: // BINFLOAT, big-endian
        push(view.getFloat64(take(8)));
        break;

      case 0x58: // BINUNICODE
        push(text(uint32()));
        break;
      case 0x8c: // SHORT_BINUNICODE
        push(text(uint8()));
        break;
      case 0x8d: // BINUNICODE8
        push(text(uint64()));
        break;
      case 0x54: // BINSTRING: text of Python 2
        push(decodeText(blob(uint32()), 'latin1'));
        break;
      case 0x55: // SHORT_BINSTRING
        push(decodeText(blob(uint8()), 'latin1'));
        break;
      case 0x42: // BINBYTES
        push(blob(uint32()));
        break;
      case 0x43: // SHORT_BINBYTES
        push(blob(uint8()));
        break;
      case 0x8e: // BINBYTES8
        push(blob(uint64()));
        break;

      case 0x5d: // EMPTY_LIST
        push({ kind: 'list', items: [] });
        break;
      case 0x6c: // LIST
        push({ kind: 'list', items: popToMark() });
        break;
      case 0x61: // APPEND
        append([pop()]);
        break;
      case 0x65: // APPENDS
        append(popToMark());
        break;
      case 0x29: // EMPTY_TUPLE
        popTuple(0);
        break;
      case 0x85: // TUPLE1 to TUPLE3
      case 0x86:
      case 0x87:
        popTuple(opcode - 0x84);
        break;
      case 0x74: // TUPLE
        push({ kind: 'tuple', items: popToMark() });
        break;
      case 0x7d: // EMPTY_DICT
        push({ kind: 'dict', isOrdered: false, entries: [] });
        break;
      case 0x64: // DICT
        push({ kind: 'dict', isOrdered: false, entries: fillDict([], popToMark()) });
        break;
      case 0x73: {
        // SETITEM
        const value = pop();
        assign([pop(), value]);
        break;
      }
      case 0x75: // SETITEMS
        assign(popToMark());
        break;

      case 0x71: // BINPUT
        remember(uint8());
        break;
      case 0x72: // LONG_BINPUT
        remember(uint32());
        break;
      case 0x94: // MEMOIZE
        remember(memo.length);
        break;
      case 0x68: // BINGET
        recall(uint8());
        break;
      case 0x6a: // LONG_BINGET
        recall(uint32());
        break;

      case 0x63: // GLOBAL
        pushGlobal(line(), line());
        break;
      case 0x93: {
        // STACK_GLOBAL
        const attribute = pop();
        const module = pop();
        if (typeof module !== 'string' || typeof attribute !== 'string') {
          return refuse(here, 'a name of two strings', `${kindOf(module)} and ${kindOf(attribute)}`);
        }
        pushGlobal(module, attribute);
        break;
      }
      case 0x52: // REDUCE
        call();
        break;
      case 0x62: // BUILD
        build();
        break;
      case 0x51: // BINPERSID
        push(host.load(pop()));
        break;
      default:
        refuse(
          here,
          'numbers, strings, containers and tensors',
          `opcode 0x${opcode.toString(16).padStart(2, '0')} at byte ${at - 1}`,
          'Only the weights of a model can be read.',
        );
    }
  }
}

function decodeText(bytes: Uint8Array, encoding: 'utf-8' | 'latin1'): string {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse(here, 'text in UTF-8', 'other bytes');
  }
}

/** A signed integer; a number where it is exact as one. */
function littleEndianInteger(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  value = BigInt.asIntN(8 * bytes.length, value);
  const asNumber = Number(value);
  return Number.isSafeInteger(asNumber) ? asNumber : value;
}
