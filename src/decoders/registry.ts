// What makes text of a key's bytes: a file per decoder, all of them listed here, without the machine. May be imported
// by `config`, `programs` and `metrics`; for types by `kernel`.

import { MeterError } from '../errors.ts';
import { cgroup } from './cgroup.ts';
import type { Decode, DecoderKind } from './decoder.ts';
import { dname } from './dname.ts';
import { enumeration } from './enum.ts';
import { errno } from './errno.ts';
import { hex } from './hex.ts';
import { ifname } from './ifname.ts';
import { inetIp } from './inet-ip.ts';
import { int } from './int.ts';
import type { KernelFacts } from './kernel-facts.ts';
import { kstack } from './kstack.ts';
import { ksym } from './ksym.ts';
import { majorminor } from './majorminor.ts';
import { pciClass, pciDevice, pciSubclass, pciVendor } from './pci.ts';
import type { DecoderPlan } from './plan.ts';
import { regexp } from './regexp.ts';
import { returnAddress } from './return-address.ts';
import { skbDropReason } from './skb-drop-reason.ts';
import { staticMap } from './static-map.ts';
import { string } from './string.ts';
import { syscall } from './syscall.ts';
import { uint } from './uint.ts';

const kinds = [
  uint,
  int,
  string,
  enumeration,
  staticMap,
  hex,
  regexp,
  errno,
  syscall,
  ksym,
  kstack,
  returnAddress,
  skbDropReason,
  majorminor,
  ifname,
  cgroup,
  inetIp,
  dname,
  pciVendor,
  pciDevice,
  pciClass,
  pciSubclass,
] as const satisfies readonly DecoderKind[];

/** The decoders' names as a program's YAML has them. */
export type DecoderName = (typeof kinds)[number]['name'];

export const decoderNames: readonly DecoderName[] = kinds.map((kind) => kind.name);

const kindsByName: ReadonlyMap<string, DecoderKind> = new Map(kinds.map((kind) => [kind.name, kind]));

/** What is wrong with one decoder's name or options, or undefined; what createDecoder would throw for it. */
export function checkDecoder(plan: DecoderPlan): MeterError | undefined {
  try {
    create(plan, noFacts);
    return undefined;
  } catch (error) {
    if (error instanceof MeterError) return error;
    throw error;
  }
}

/**
 * One label's decoders as one function, each taking what the one before gave, as ebpf_exporter chains them.
 * Throws MeterError('config') where a name is unknown, the options don't fit or there is no decoder at all.
 */
export function createDecoder(plans: readonly DecoderPlan[], kernel: KernelFacts): Decode {
  const [first, ...rest] = plans.map((plan) => create(plan, kernel));
  if (first === undefined) {
    throw new MeterError('config', 'decoders: there are none', { remedy: 'Name one, such as `string` or `uint`.' });
  }
  return rest.reduce(chain, first);
}

/** Whether one of these decoders may give another text for the same bytes while the process runs. */
export function namesMove(plans: readonly DecoderPlan[]): boolean {
  return plans.some(({ name }) => kindsByName.get(name)?.namesMove === true);
}

function create(plan: DecoderPlan, kernel: KernelFacts): Decode {
  const kind = kindsByName.get(plan.name);
  if (kind === undefined) {
    throw new MeterError('config', `decoder "${plan.name}": there is no such decoder`, {
      remedy: `Use one of ${decoderNames.join(', ')}.`,
    });
  }
  return kind.create(plan, kernel);
}

function chain(before: Decode, after: Decode): Decode {
  return (input) => {
    const output = before(input);
    return output === undefined ? undefined : after(output);
  };
}

const noFacts: KernelFacts = {
  symbol: () => undefined,
  functionAround: () => undefined,
  dropReason: () => undefined,
  blockDevice: () => undefined,
  networkInterface: () => undefined,
  cgroup: () => undefined,
  syscall: () => undefined,
  errno: () => undefined,
  pci: () => undefined,
};
