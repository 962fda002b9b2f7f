import { readFileSync } from 'node:fs';
import { enumNames } from '../btf/enums.ts';
import { giveBack } from './files.ts';

const REASON = 'SKB_DROP_REASON_';
const SUBSYSTEM = 'SKB_DROP_REASON_SUBSYS_';

/**
 * Names of the reasons why packets are dropped, by the kernel's number, as its traces have them: TCP_LISTEN_OVERFLOW.
 * They are those of the running kernel, by its BTF, since the numbers shift from one version to the next; read when first
 * asked for. The upper 16 bits are a subsystem whose numbers are its own: OPENVSWITCH:3. Undefined where the kernel
 * doesn't tell. `root` is put in front of /sys.
 * Source: enum skb_drop_reason in include/net/dropreason-core.h, enum skb_drop_reason_subsys in include/net/dropreason.h.
 */
export function createDropReasons(root: string): (number: number) => string | undefined {
  let names: ReturnType<typeof read> | undefined;
  return (number) => {
    names ??= read(root);
    const subsystem = number >>> 16;
    if (subsystem === 0) return names.reasons.get(number);
    const name = names.subsystems.get(subsystem);
    return name === undefined ? undefined : `${name}:${number & 0xffff}`;
  };
}

type Names = ReadonlyMap<number, string>;

function read(root: string): { reasons: Names; subsystems: Names } {
  try {
    const btf = readFileSync(`${root}/sys/kernel/btf/vmlinux`);
    const names = {
      reasons: without(REASON, enumNames(btf, 'skb_drop_reason')),
      subsystems: without(SUBSYSTEM, enumNames(btf, 'skb_drop_reason_subsys')),
    };
    giveBack(btf);
    return names;
  } catch {
    return { reasons: new Map(), subsystems: new Map() };
  }
}

function without(prefix: string, names: Names = new Map()): Names {
  return new Map(
    [...names].map(([number, name]) => [number, name.startsWith(prefix) ? name.slice(prefix.length) : name]),
  );
}
