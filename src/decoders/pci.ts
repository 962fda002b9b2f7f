import type { DecoderKind } from './decoder.ts';
import { decimalError, readDecimal } from './integers.ts';
import type { KernelFacts, PciNames } from './kernel-facts.ts';

/** What a label says where the machine has no list of names. */
const missing = Buffer.from('missing pci.ids db');

/** Decimal text of a vendor's number → `Intel Corporation`; `unknown pci vendor: 0x…`. */
export const pciVendor = pciDecoder(
  'pci_vendor',
  (names, number) => names.vendor(number) ?? `unknown pci vendor: 0x${hex(number, 2)}`,
);

/** Decimal text of vendor × 65536 + device → `82540EM Gigabit Ethernet Controller`; `unknown pci device: 0x…`. */
export const pciDevice = pciDecoder(
  'pci_device',
  (names, number) =>
    names.device(Math.floor(number / 65536), number % 65536) ?? `unknown pci device: 0x${hex(number, 4)}`,
);

/** Decimal text of a class's number → `Network controller`; `unknown pci class: 0x…`. */
export const pciClass = pciDecoder('pci_class', (names, number) => names.class(number) ?? unknownClass(number));

/** Decimal text of class × 256 + subclass → `Ethernet controller`; `unknown pci subclass: 0x… (class 0x…)`, or the class if that is unknown. */
export const pciSubclass = pciDecoder('pci_subclass', (names, number) => {
  const [classNumber, subclass] = [Math.floor(number / 256), number % 256];
  if (names.class(classNumber) === undefined) return unknownClass(classNumber);
  const unknown = `unknown pci subclass: 0x${hex(subclass, 2)} (class 0x${hex(classNumber, 2)})`;
  return names.subclass(classNumber, subclass) ?? unknown;
});

function pciDecoder<const Name extends string>(name: Name, nameOf: (names: PciNames, number: number) => string) {
  return {
    name,
    create: (_plan: unknown, kernel: KernelFacts) => (input: Buffer) => {
      const number = readDecimal(input, name);
      if (number < 0 || !Number.isSafeInteger(number)) throw decimalError(input, name);
      const names = kernel.pci();
      return names === undefined ? missing : Buffer.from(nameOf(names, number));
    },
  } satisfies DecoderKind;
}

function unknownClass(number: number): string {
  return `unknown pci class: 0x${hex(number, 2)}`;
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0');
}
