import { ESLint } from 'eslint';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ARROWS } from '../arrows.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const eslint = new ESLint({ cwd: root });

/** The messages about imports that lint has for `code` as the index of a package, or as another of its files. */
async function complaints(room, code, file = 'index.ts') {
  const [result] = await eslint.lintText(code, { filePath: join(root, 'packages', room, 'src', file) });
  const fatal = result.messages.filter((message) => message.fatal);
  expect(fatal).toEqual([]);
  return result.messages.filter((message) => message.ruleId === 'no-restricted-imports');
}

const rooms = Object.keys(ARROWS).filter((room) => existsSync(join(root, 'packages', room)));

describe('who may import whom is enforced by lint', () => {
  const pairs = rooms
    .flatMap((room) => Object.keys(ARROWS).map((other) => [room, other]))
    .filter(([room, other]) => room !== other);

  it.each(pairs)(
    '%s imports %s only along an arrow',
    async (room, other) => {
      const found = await complaints(room, `import * as other from '@pci-recovery/${other}';\nexport { other };\n`);
      expect(found.length > 0).toBe(!ARROWS[room].includes(other));
    },
    60_000,
  );

  it('subpaths of a forbidden package are forbidden too', async () => {
    expect(await complaints('core', "export * from '@pci-recovery/aer/sim';\n")).not.toEqual([]);
  });

  it.each([
    ['a path into another package', "export * from '../../pci/src/index.js';\n"],
    ['its own name', "export * from '@pci-recovery/aer';\n"],
    ['the insides of another package', "export * from '@pci-recovery/core/src/engine/scheduler.js';\n"],
    ['its simulator', "export * from './sim/index.js';\n"],
  ])('production code of aer may not import %s', async (_, code) => {
    expect(await complaints('aer', code)).not.toEqual([]);
  });

  it('the arrows have no cycle', () => {
    const reaches = (from, to) => ARROWS[from].some((next) => next === to || reaches(next, to));
    expect(Object.keys(ARROWS).filter((room) => reaches(room, room))).toEqual([]);
  });
});
