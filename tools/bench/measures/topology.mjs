// A large machine's tree of buses, and what it costs to ask whom an error concerns.
import { AerPlatform } from '@pci-recovery/aer';
import { formatBdf } from '@pci-recovery/core';
import { PciTopology } from '@pci-recovery/pci/topology';
import { lessIsBetter, median, timed } from '../rounds.mjs';

const FUNCTIONS = 100_000;
const SIZES = [1, 10, 100, 250];

const bdf = (domain, bus, n) => formatBdf({ domain, bus, device: n >> 3, function: n & 7 });

/** Domains of 200 root ports with a bus each, until there are enough functions. */
function* machine(perBus) {
  for (let made = 0, domain = 0; made < FUNCTIONS; domain++) {
    for (let port = 0; port < 200 && made < FUNCTIONS; port++) {
      const bus = port + 1;
      yield { bdf: bdf(domain, 0, port), portType: 'root_port', bridge: true, secondary: bus, subordinate: bus };
      for (let n = 0; n < perBus; n++) yield { bdf: bdf(domain, bus, n), portType: 'endpoint', bridge: false };
      made += perBus + 1;
    }
  }
}

/** A port without any hardware behind it: configuration space is not asked. */
const portOf = (topology) => ({
  topology,
  generationOf: () => 0,
  readConfig: () => 0xffff_ffff,
  writeConfig: () => undefined,
  async *interrupts() {},
});

async function building() {
  const functions = [...machine(24)].slice(0, FUNCTIONS);
  const times = [];
  for (let round = 0; round < 9; round++) {
    globalThis.gc?.();
    times.push(await timed(() => new PciTopology(functions)));
  }
  return {
    name: `topology of ${FUNCTIONS.toLocaleString('en')} functions`,
    unit: 's',
    target: { atMost: 0.2 },
    conditions: { functions: functions.length, 'configuration space': 'none' },
    ...lessIsBetter(times),
  };
}

/** Microseconds for one scopeOf of that many members, in a machine of the full size. */
async function scopes(size) {
  const clock = { monotonic: () => 0, wall: () => 0, after: () => ({ [Symbol.dispose]() {} }) };
  const platform = new AerPlatform(portOf(new PciTopology(machine(size))), clock);
  const event = { device: { bdf: bdf(0, 1, 0), generation: 0 }, record: {} };
  if (platform.scopeOf(event).members.length !== size) throw new Error('The scope is not what it should be.');
  const calls = Math.ceil(200_000 / size);
  const times = [];
  for (let round = 0; round < 7; round++) {
    times.push(
      ((await timed(() => void Array.from({ length: calls }, () => platform.scopeOf(event).id))) / calls) * 1e6,
    );
  }
  return { members: size, micros: median(times) };
}

async function asking() {
  const found = [];
  for (const size of SIZES) found.push(await scopes(size));
  const perMember = found.map(({ members, micros }) => micros / members);
  return {
    name: 'scopeOf, per member of the answer',
    unit: 'µs',
    conditions: Object.fromEntries(
      found.map(({ members, micros }) => [`${members} members, µs`, Number(micros.toFixed(2))]),
    ),
    ...lessIsBetter(perMember),
  };
}

export const measure = async () => [await building(), await asking()];
