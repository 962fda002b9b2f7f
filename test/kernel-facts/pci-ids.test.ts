import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MeterError } from '../../src/errors.ts';
import { createPciNames } from '../../src/kernel/pci-ids.ts';

const ids = `0001  SafeNet (wrong ID)
# A comment
8086  Intel Corporation
\t100e  82540EM Gigabit Ethernet Controller
# Between the devices
\t\t1014 0265  PRO/1000 MT Network Connection
\t1010  Éthernet
8087  Intel
\t07dc  Bluetooth

# Classes
C 02  Network controller
\t00  Ethernet controller
\t\t01  An interface
\t80  Network controller
C 03  Display controller`;

function machine(path: string | undefined): { root: string; warnings: MeterError[] } {
  const root = mkdtempSync(join(tmpdir(), 'pci-'));
  if (path !== undefined) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), ids);
  }
  return { root, warnings: [] };
}

for (const path of ['/usr/share/hwdata/pci.ids', '/usr/share/misc/pci.ids']) {
  test(`names are in ${path}`, () => {
    const { root, warnings } = machine(path);
    const names = createPciNames({ root, warn: (warning) => warnings.push(warning) })()!;
    const found = [
      [names.vendor(0x8086), 'Intel Corporation'],
      [names.vendor(1), 'SafeNet (wrong ID)'],
      [names.vendor(0x100e), undefined],
      [names.device(0x8086, 0x100e), '82540EM Gigabit Ethernet Controller'],
      [names.device(0x8086, 0x1010), 'Éthernet'],
      // A subsystem's, and another vendor's.
      [names.device(0x8086, 0x1014), undefined],
      [names.device(0x8086, 0x07dc), undefined],
      [names.device(0x8087, 0x07dc), 'Bluetooth'],
      [names.device(0x4242, 0x07dc), undefined],
      [names.class(2), 'Network controller'],
      [names.class(3), 'Display controller'],
      [names.class(4), undefined],
      [names.subclass(2, 0), 'Ethernet controller'],
      [names.subclass(2, 0x80), 'Network controller'],
      [names.subclass(2, 1), undefined],
      [names.subclass(3, 0), undefined],
    ];
    for (const [name, wanted] of found) assert.equal(name, wanted);
    assert.deepEqual(warnings, []);
  });
}

test('without a list there are no names, and one warning that says what to install', () => {
  const { root, warnings } = machine(undefined);
  const pci = createPciNames({ root, warn: (warning) => warnings.push(warning) });
  assert.equal(pci(), undefined);
  assert.equal(pci(), undefined);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!.message, /^names of PCI devices: none of .*pci\.ids.* can be read$/);
  assert.match(warnings[0]!.remedy!, /hwdata/);
});

const systems = ['/usr/share/hwdata/pci.ids', '/usr/share/misc/pci.ids', '/usr/share/pci.ids'];

test("the system's own list", {
  skip: !systems.some((path) => existsSync(path)) && 'this machine has no pci.ids',
}, () => {
  const names = createPciNames()()!;
  // Numbers of long standing.
  const found = [
    names.vendor(0x8086),
    names.vendor(0x1af4),
    names.device(0x8086, 0x100e),
    names.device(0x1af4, 0x1000),
    names.class(0x01),
    names.class(0x02),
    names.subclass(0x02, 0x00),
    names.subclass(0x01, 0x08),
  ];
  assert.deepEqual(found, [
    'Intel Corporation',
    'Red Hat, Inc.',
    '82540EM Gigabit Ethernet Controller',
    'Virtio network device',
    'Mass storage controller',
    'Network controller',
    'Ethernet controller',
    'Non-Volatile memory controller',
  ]);
  // A subsystem's of that device, and what stands under another class.
  assert.equal(names.device(0x8086, 0x1af4), undefined);
  assert.equal(names.subclass(0x02, 0x0c), undefined);
  // The first and the last of the list.
  assert.equal(names.vendor(0xffff), 'Illegal Vendor ID');
  assert.equal(names.class(0xff), 'Unassigned class');
});
