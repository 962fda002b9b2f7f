import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '../../src/decoders/decoder.ts';
import type { DecoderPlan } from '../../src/decoders/plan.ts';
import { createDecoder, type DecoderName, decoderNames } from '../../src/decoders/registry.ts';
import { kernelTable } from './kernel-table.ts';

type Options = Omit<DecoderPlan, 'name'>;
/** Input as hex digits, or as text after a `'`. */
type Case = readonly [input: string, output: string, options?: Options];

function bytes(input: string): Buffer {
  return input.startsWith("'") ? Buffer.from(input.slice(1)) : Buffer.from(input.replaceAll(' ', ''), 'hex');
}

const seasons = new Map([
  ['0', 'spring'],
  ['1', 'summer'],
  ['4294967295', 'never'],
]);
const signedSeasons = new Map([
  ['-1', 'none'],
  ['1', 'summer'],
]);
const words = new Map([
  ['1', 'one'],
  ['é', 'accent'],
  ['', 'nothing'],
]);

const cases: Record<Exclude<DecoderName, 'regexp'>, readonly Case[]> = {
  uint: [
    ['00', '0'],
    ['ff', '255'],
    ['0201', '258'],
    ['ffff', '65535'],
    ['78563412', '305419896'],
    ['ffffffff', '4294967295'],
    ['0100000000000000', '1'],
    ['ffffffffffff1f00', '9007199254740991'],
    ['0000000000002000', '9007199254740992'],
    ['0100000000002000', '9007199254740993'],
    ['ffffffffffffffff', '18446744073709551615'],
  ],
  dname: [
    ["'\x03www\x07example\x03com\0", 'www.example.com.'],
    ["'\x03www\x07example\x03com", 'www.example.com'],
    ["'\x01a", 'a'],
    ["'", '.'],
    ["'\0", ''],
    ['03 77 77 77 00 00 00', 'www...'],
    ["'\x09short", '\x09short'],
    ["'plain text", 'plain text'],
  ],
  kstack: [
    ['4d7d3781ffffffff 0010000000000000 0000000000000000 4d7d3781ffffffff', 'vfs_read\n??'],
    ['4d7d3781ffffffff 407d3781ffffffff', 'vfs_read\nvfs_read'],
    ['0000000000000000', ''],
    ["'", ''],
  ],
  pci_vendor: [
    ["'32902", 'Intel Corporation'],
    ["'3601", 'Compaq Computer Corporation'],
    ["'1", 'unknown pci vendor: 0x01'],
    ["'65535", 'unknown pci vendor: 0xffff'],
  ],
  pci_device: [
    ["'2156269582", '82540EM Gigabit Ethernet Controller'],
    ["'2156269583", 'unknown pci device: 0x8086100f'],
    ["'0", 'unknown pci device: 0x0000'],
  ],
  pci_class: [
    ["'2", 'Network controller'],
    ["'3", 'unknown pci class: 0x03'],
    ["'256", 'unknown pci class: 0x100'],
  ],
  pci_subclass: [
    ["'640", 'Network controller'],
    ["'513", 'unknown pci subclass: 0x01 (class 0x02)'],
    ["'769", 'unknown pci class: 0x03'],
  ],
  int: [
    ['80', '-128'],
    ['7f', '127'],
    ['feff', '-2'],
    ['00000080', '-2147483648'],
    ['ffffffffffffffff', '-1'],
    ['0000000000000080', '-9223372036854775808'],
    ['ffffffffffffff7f', '9223372036854775807'],
  ],
  string: [
    ["'bash\0\0\0", 'bash'],
    ["'bash\0old", 'bash'],
    ["'no end", 'no end'],
    ["'\0", ''],
    ["'", ''],
  ],
  enum: [
    ['00', 'spring', { staticMap: seasons }],
    ['0100', 'summer', { staticMap: seasons }],
    ['01000000', 'summer', { staticMap: seasons }],
    ['ffffffff', 'never', { staticMap: seasons }],
    ['0100000000000000', 'summer', { staticMap: seasons }],
    ['02000000', 'unknown:2', { staticMap: seasons }],
    ['02000000', '2', { staticMap: seasons, allowUnknown: true }],
    ['ffffffff', 'none', { staticMap: signedSeasons }],
    ['ff', 'none', { staticMap: signedSeasons }],
    ['ffffffffffffffff', 'none', { staticMap: signedSeasons }],
    ['feffffff', 'unknown:-2', { staticMap: signedSeasons }],
  ],
  static_map: [
    ["'1", 'one', { staticMap: words }],
    ["'é", 'accent', { staticMap: words }],
    ["'", 'nothing', { staticMap: words }],
    ["'2", 'unknown:2', { staticMap: words }],
    ["'2", 'unknown:2', { staticMap: words, allowUnknown: false }],
    ["'2", '2', { staticMap: words, allowUnknown: true }],
    ["'1", 'unknown:1', { staticMap: new Map() }],
    ["'1", 'empty mapping', { staticMap: new Map(), otherwise: 'empty mapping' }],
  ],
  hex: [
    ['', ''],
    ['00', '00'],
    ['DEADbeef01', 'deadbeef01'],
  ],
  errno: [
    ["'2", 'ENOENT'],
    ["'-2", 'ENOENT'],
    ["'11", 'EAGAIN'],
    ["'0", 'unknown:0'],
    ["'9999", 'unknown:9999'],
    ["'-9999", 'unknown:-9999'],
    ["'18446744073709551615", 'unknown:18446744073709551615'],
  ],
  syscall: [
    ["'0", 'read'],
    ["'257", 'openat'],
    ["'9999", 'unknown_syscall:9999'],
    ["'-1", 'unknown_syscall:-1'],
  ],
  ksym: [
    ['407d3781 ffffffff', 'vfs_read'],
    ['001020c0 ffffffff', 'nf_hook\t[nf_tables]'],
    ['417d3781 ffffffff', 'unknown'],
    ['06000000 00000000', 'unknown'],
    ['00000000 00000000', 'unknown'],
    ['417d3781 ffffffff', 'unknown', { allowUnknown: false }],
    ['407d3781 ffffffff', 'vfs_read', { allowUnknown: true }],
    ['417d3781 ffffffff', 'unknown_addr:0xffffffff81377d41', { allowUnknown: true }],
    ['06000000 00000000', 'unknown_addr:0x6', { allowUnknown: true }],
    ['00000000 00000000', 'unknown_addr:0x0', { allowUnknown: true }],
  ],
  return_address: [
    ['417d3781 ffffffff', 'vfs_read'],
    ['417d3781 ffff', 'vfs_read'],
    ['007e3781 ffffffff', 'vfs_read'],
    // The call is in front of the address: this one is in another function.
    ['407d3781 ffffffff', 'unknown'],
    ['407d3781 ffff', 'unknown'],
    ['00000000 00000000', 'unknown'],
    ['417d3781 ffff', 'vfs_read', { allowUnknown: true }],
    ['407d3781 ffffffff', 'unknown_addr:0xffffffff81377d40', { allowUnknown: true }],
    ['407d3781 ffff', 'unknown_addr:0xffffffff81377d40', { allowUnknown: true }],
  ],
  skb_drop_reason: [
    ['28000000', 'TCP_LISTEN_OVERFLOW'],
    ['2800', 'TCP_LISTEN_OVERFLOW'],
    ['03000200', 'OPENVSWITCH:3'],
    ['0320', 'OPENVSWITCH:3'],
    ['00000000', 'unknown:0'],
    ['04000200', 'unknown:131076'],
    ['ffff', 'unknown:987135'],
  ],
  majorminor: [
    ['00080000', 'sda'],
    ['0008000000000000', 'sda'],
    // As user space has it: the minor 257 = 0x101 is split around the major.
    ['01081000', 'sdq1'],
    ['ff08f0ff', 'sdlast'],
    ['00fe0000', 'vda'],
    ['03030100', 'nvme0n1p2'],
    ['e8fd3000', 'dm-1000'],
    // As the kernel has it: 254 << 20, 259 << 20 | 3, 253 << 20 | 1000.
    ['0000e00f', 'vda'],
    ['03003010', 'nvme0n1p2'],
    ['e803d00f', 'dm-1000'],
    ['10880000', 'unknown:136:16'],
    ['00000000', 'unknown:0:0'],
    ['0900e00f', 'unknown:254:9'],
  ],
  ifname: [
    ['0100', 'lo'],
    ['02000000', 'eth0'],
    ['0200000000000000', 'eth0'],
    ['70110100', 'vethé'],
    ['07000000', 'unknown:7'],
    ['00000000', 'unknown:0'],
    ['ffffffffffffffff', 'unknown:18446744073709551615'],
  ],
  cgroup: [
    ['2b0a000001000000', '/sys/fs/cgroup/été.slice'],
    ["'4294969899", '/sys/fs/cgroup/été.slice'],
    ["'12345678", 'unknown_cgroup_id:12345678'],
    ['0100000000000000', 'unknown_cgroup_id:1'],
    ['ffffffffffffffff', 'unknown_cgroup_id:18446744073709551615'],
    ["'18446744073709551615", 'unknown_cgroup_id:18446744073709551615'],
  ],
  inet_ip: [
    ['7f000001', '127.0.0.1'],
    ['00000000', '0.0.0.0'],
    ['ffffffff', '255.255.255.255'],
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000000000000000000000001', '2001:db8::1'],
    ['20010db8000000010000000000000000', '2001:db8:0:1::'],
    // The longest run, the first of equal ones, and never a single group.
    ['20010000000000010000000000000001', '2001:0:0:1::1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['fe800000000000000ABC0000000000ff', 'fe80::abc:0:0:ff'],
    ['00010002000300040005000600070000', '1:2:3:4:5:6:7:0'],
    ['00010002000300040005000600000000', '1:2:3:4:5:6::'],
    ['00000000000000000000ffff0a000001', '10.0.0.1'],
    ['000000000000000000000000 0a000001', '::a00:1'],
    ['0000000000000001 0000ffff0a000001', '::1:0:ffff:a00:1'],
  ],
};

for (const [name, rows] of Object.entries(cases)) {
  test(`${name} decodes`, () => {
    for (const [input, output, options] of rows) {
      const decode = createDecoder([{ name, ...options }], kernelTable);
      const before = bytes(input);
      const given = Buffer.from(before);
      assert.equal(decode(given)?.toString(), output, input);
      assert.deepEqual(given, before, `${input} was changed`);
    }
  });
}

for (const name of decoderNames) {
  test(`${name} never gives an address that it looks up and doesn't find`, () => {
    let isLookedUp = false;
    const find = () => {
      isLookedUp = true;
      return undefined;
    };
    const options = { staticMap: seasons, regexps: ['.*'] };
    const decode = createDecoder([{ name, ...options }], { ...kernelTable, symbol: find, functionAround: find });
    let text: string | undefined;
    try {
      text = decode(bytes('67452381 ffffffff'))?.toString();
    } catch (error) {
      assert.ok(error instanceof DecodeError);
    }
    if (isLookedUp) assert.match(text ?? '', /^(unknown|\?\?)$/);
  });
}

const refused: readonly (readonly [name: DecoderName, input: string, message: RegExp, options?: Options])[] = [
  ['uint', '', /^uint: 0 bytes, but it takes 1, 2, 4 or 8$/],
  ['uint', '010203', /^uint: 3 bytes/],
  ['uint', '00'.repeat(16), /^uint: 16 bytes/],
  ['int', '', /^int: 0 bytes/],
  ['int', '0102030405', /^int: 5 bytes/],
  ['enum', '', /^enum: 0 bytes/, { staticMap: seasons }],
  ['enum', '010203', /^enum: 3 bytes/, { staticMap: signedSeasons }],
  ['ksym', '', /^ksym: 0 bytes, but it takes 8$/],
  ['ksym', '407d3781', /^ksym: 4 bytes/],
  ['majorminor', '', /^majorminor: 0 bytes, but it takes 4 or 8$/],
  ['majorminor', '0008', /^majorminor: 2 bytes/],
  ['ifname', '01', /^ifname: 1 bytes, but it takes 2, 4 or 8$/],
  ['ifname', '', /^ifname: 0 bytes/],
  ['ifname', '010203', /^ifname: 3 bytes/],
  ['cgroup', '', /^cgroup: 0 bytes, but it takes 8, or decimal text$/],
  ['cgroup', '01000000', /^cgroup: ".*" is no decimal number/s],
  ['cgroup', "'-1", /^cgroup: "-1" is no decimal number/],
  ['cgroup', "'1234567890123456789012", /^cgroup: 22 bytes/],
  ['inet_ip', '', /^inet_ip: 0 bytes, but it takes 4 or 16$/],
  ['inet_ip', '7f0001', /^inet_ip: 3 bytes/],
  ['inet_ip', '00'.repeat(15), /^inet_ip: 15 bytes/],
  ['kstack', '00000000', /^kstack: 4 bytes, but it takes a multiple of 8$/],
  ['pci_vendor', "'", /^pci_vendor: "" is no decimal number/],
  ['pci_device', "'-1", /^pci_device: "-1" is no decimal number/],
  ['pci_class', "'0x2", /no decimal number/],
  ['pci_subclass', "'99999999999999999999", /no decimal number/],
  ['return_address', '00000000', /^return_address: 4 bytes, but it takes 6 or 8$/],
  ['skb_drop_reason', '00', /^skb_drop_reason: 1 bytes, but it takes 2 or 4$/],
  ['errno', "'", /^errno: "" is no decimal number; put uint or int in front of it$/],
  ['errno', "'-", /^errno: "-" is no decimal number/],
  ['errno', "'ENOENT", /^errno: "ENOENT" is no decimal number/],
  ['errno', "'1-2", /no decimal number/],
  ['syscall', '00000000', /^syscall: "\0\0\0\0" is no decimal number/],
  ['syscall', "' 1", /no decimal number/],
  ['syscall', "'0x1", /no decimal number/],
];

for (const [name, input, message, options] of refused) {
  test(`${name} refuses ${JSON.stringify(input)}`, () => {
    const decode = createDecoder([{ name, ...options }], kernelTable);
    assert.throws(
      () => decode(bytes(input)),
      (error) => error instanceof DecodeError && message.test(error.message),
    );
  });
}

test('static_map compares bytes, valid UTF-8 or not', () => {
  const decode = createDecoder([{ name: 'static_map', staticMap: new Map([['\ufffd', 'replacement']]) }], kernelTable);
  assert.equal(decode(Buffer.from('\ufffd'))?.toString(), 'replacement');
  assert.deepEqual(decode(Buffer.of(0xff)), Buffer.from([...Buffer.from('unknown:'), 0xff]));
});

test('string keeps bytes that are not UTF-8', () => {
  const decode = createDecoder([{ name: 'string' }], kernelTable);
  assert.deepEqual(decode(Buffer.of(0xff, 0xfe, 0, 0x41)), Buffer.of(0xff, 0xfe));
});

test('a machine without pci.ids says so in the label', () => {
  for (const name of ['pci_vendor', 'pci_device', 'pci_class', 'pci_subclass']) {
    const decode = createDecoder([{ name }], { ...kernelTable, pci: () => undefined });
    assert.equal(decode(Buffer.from('2'))?.toString(), 'missing pci.ids db');
  }
});
