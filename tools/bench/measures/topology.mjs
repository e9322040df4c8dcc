// A large machine's tree of buses, and what it costs to ask whom an error concerns.
import { AerPlatform } from '@pci-recovery/aer';
import { formatBdf } from '@pci-recovery/core';
import { PciTopology } from '@pci-recovery/pci/topology';
import { lessIsBetter, median, timed } from '../rounds.mjs';

const FUNCTIONS = 100_000;
const SIZES = [1, 10, 100, 1000];
/** A bus has room for 256 functions: more of them are spread over the buses of a switch. */
const MOST_PER_BUS = 250;

const bdf = (domain, bus, n) => formatBdf({ domain, bus, device: n >> 3, function: n & 7 });

/** What is below a root port so that `size` functions are: endpoints on its bus, or a switch with four ports. */
function* below(domain, bus, size) {
  if (size <= MOST_PER_BUS) {
    for (let n = 0; n < size; n++) yield { bdf: bdf(domain, bus, n), portType: 'endpoint', bridge: false };
    return;
  }
  const last = bus + 5;
  yield { bdf: bdf(domain, bus, 0), portType: 'upstream_port', bridge: true, secondary: bus + 1, subordinate: last };
  const endpoints = size - 5;
  for (let port = 0, made = 0; port < 4; port++) {
    const secondary = bus + 2 + port;
    yield {
      bdf: bdf(domain, bus + 1, 8 * port),
      portType: 'downstream_port',
      bridge: true,
      secondary,
      subordinate: secondary,
    };
    const until = Math.round((endpoints * (port + 1)) / 4);
    for (let n = 0; made < until; n++, made++)
      yield { bdf: bdf(domain, secondary, n), portType: 'endpoint', bridge: false };
  }
}

/** Domains of root ports with so many functions below each, until there are enough. */
function* machine(size) {
  const buses = size <= MOST_PER_BUS ? 1 : 6;
  for (let made = 0, domain = 0; made < FUNCTIONS; domain++) {
    for (let port = 0; (port + 1) * buses < 200 && made < FUNCTIONS; port++, made += size + 1) {
      const secondary = 1 + port * buses;
      const subordinate = secondary + buses - 1;
      yield { bdf: bdf(domain, 0, port), portType: 'root_port', bridge: true, secondary, subordinate };
      yield* below(domain, secondary, size);
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
  const event = { device: { bdf: bdf(0, 0, 0), generation: 0 }, record: {} };
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
