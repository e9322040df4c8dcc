import { ARCHITECTURES, toolsFor } from '../../scripts/abi/architectures.mjs';
import { CannotRun } from '../../scripts/abi/cannot-run.mjs';
import { compare, without } from '../../scripts/abi/compare.mjs';
import { mirrorsOf } from '../../scripts/abi/debian.mjs';
import { cachedHeaders, sourceOf } from '../../scripts/abi/headers.mjs';
import { measure } from '../../scripts/abi/measure.mjs';
import { QUESTIONS } from '../../scripts/abi/program.mjs';
import { tablesOf, tableSource } from '../../scripts/abi/table-files.mjs';

/** What `work` gives, or the sentence that says why it cannot be had here. */
function available(work) {
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    return { why: error.message };
  }
}

/** Every number and text of a tree, with the way to it. */
function* leaves(tree, path = []) {
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'object') yield* leaves(value, [...path, key]);
    else yield { path: [...path, key], value };
  }
}

function changed(tree, [first, ...rest], value) {
  return { ...tree, [first]: rest.length === 0 ? value : changed(tree[first], rest, value) };
}

describe('a drift between headers and tables', () => {
  it('of one byte, or of one bit, anywhere, is found and named', async () => {
    const tables = await tablesOf('x64');
    let tried = 0;
    for (const { path, value } of leaves(tables)) {
      const other = typeof value === 'number' ? value + 1 : `${value}00`;
      const [found, ...more] = compare(tables, changed(tables, path, other));
      expect(more).toEqual([]);
      expect(found).toContain(path.filter((word) => word !== 'fields').join('.'));
      expect(found).toContain(`is ${other}, the table says ${value}`);
      tried += 1;
    }
    expect(tried).toBeGreaterThan(700);
  });

  it('names the field of a structure', async () => {
    const tables = await tablesOf('x64');
    const path = ['structs', 'vfio_eeh_pe_op', 'fields', 'err.type', 'offset'];
    expect(compare(tables, changed(tables, path, 12))).toEqual([
      'structs.vfio_eeh_pe_op.err.type.offset is 12, the table says 16',
    ]);
  });

  it('is also something that is missing on one side', () => {
    expect(compare({ constants: { A: 1 } }, { constants: {} })).toEqual([
      'constants.A is unknown to the headers, the table says 1',
    ]);
    expect(compare({ constants: {} }, { constants: { A: 1 } })).toEqual(['constants.A is 1, the table says nothing']);
  });

  it('of an older header is only what it knows differently', () => {
    const now = {
      requests: { R: 1 },
      constants: { A: 1, B: 2 },
      structs: { s: { size: 8, fields: { a: { offset: 0 }, b: { offset: 4 } } }, t: { size: 4, fields: {} } },
      golden: { s: '00', t: '01' },
    };
    expect(without(now, ['B', 's.b', 'golden s'])).toEqual({
      requests: { R: 1 },
      constants: { A: 1 },
      structs: { s: { fields: { a: { offset: 0 } } }, t: { size: 4, fields: {} } },
      golden: { t: '01' },
    });
  });
});

describe('the tables', () => {
  it('hold everything that is asked of the headers', async () => {
    const { requests, constants, structs, golden } = await tablesOf('x64');
    const names = Object.entries(structs).flatMap(([name, { fields }]) => [
      name,
      ...Object.keys(fields).map((field) => `${name}.${field}`),
      `golden ${name}`,
    ]);
    expect([...Object.keys(requests), ...Object.keys(constants), ...names].sort()).toEqual(
      QUESTIONS.map(({ about }) => about).sort(),
    );
    expect(Object.keys(golden)).toEqual(Object.keys(structs));
  });

  it('have the same bytes wherever the byte order is the same', async () => {
    const [x64, arm64, ppc64, s390x] = await Promise.all(Object.keys(ARCHITECTURES).map(tablesOf));
    for (const other of [arm64, ppc64]) expect([other.golden, other.messages]).toEqual([x64.golden, x64.messages]);
    expect(s390x.golden).not.toEqual(x64.golden);
  });
});

describe("the tables against this machine's own headers", () => {
  const here = process.arch;
  const measured = Object.hasOwn(ARCHITECTURES, here)
    ? available(() => measure(here, { older: true }))
    : { why: `there is no table for ${here}` };
  const known = measured.value?.requests.VFIO_DEVICE_GET_INFO !== undefined;

  if (!known) {
    it.skip(`not run: ${measured.why ?? 'linux/vfio.h is not installed (linux-libc-dev)'}`, () => undefined);
    return;
  }
  const { absent, ...value } = measured.value;
  it(`agree, but for ${absent.length} of ${QUESTIONS.length} things that these headers do not know`, async () => {
    const tables = await tablesOf(here);
    expect(compare(without(tables, absent), without(value, absent))).toEqual([]);
    expect(Object.keys(value.structs)).toContain('vfio_irq_set');
  });
});

describe('the tables against the newest headers that were fetched', () => {
  const headers = available(() => cachedHeaders());
  for (const name of Object.keys(ARCHITECTURES)) {
    const measured = headers.value ? available(() => measure(name, { headers: headers.value.root })) : headers;
    if (measured.value === undefined) {
      it.skip(`not run on ${name}: ${measured.why}`, () => undefined);
      continue;
    }
    it(`agree on ${name} with ${sourceOf(headers.value.version)}`, async () => {
      const { absent, ...value } = measured.value;
      expect(compare(await tablesOf(name), value)).toEqual([]);
      expect(absent).toEqual([]);
      expect(await tableSource()).toMatch(/^linux-libc-dev \d/);
    });
  }
});

describe('tools', () => {
  it('are native on the same architecture, and cross compilers with an emulator elsewhere', () => {
    expect(toolsFor('s390x', 's390x')).toMatchObject({ compiler: 'gcc', run: [] });
    expect(toolsFor('s390x', 'x64')).toEqual({
      compiler: 's390x-linux-gnu-gcc',
      run: ['qemu-s390x-static'],
      packages: ['gcc-s390x-linux-gnu', 'libc6-dev-s390x-cross', 'qemu-user-static'],
    });
    expect(toolsFor('ppc64', 'x64').packages).toEqual([
      'gcc-powerpc64le-linux-gnu',
      'libc6-dev-ppc64el-cross',
      'qemu-user-static',
    ]);
  });

  it('come from mirrors of Debian only, each once', () => {
    const printed =
      'Debian http://a/debian/\nDebian http://a/debian/\nNodeSource https://b/\nDebian http://c\nDebian\n\n';
    expect(mirrorsOf(printed)).toEqual(['http://a/debian/', 'http://c']);
  });
});
