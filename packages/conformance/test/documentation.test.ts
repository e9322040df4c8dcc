import { readFileSync, writeFileSync } from 'node:fs';
import { updated } from './documentation.js';

const PAGE = new URL('../../../docs/conformance.md', import.meta.url);

describe('docs/conformance.md', () => {
  it('has the current cases, and the harness of the example as it is run (UPDATE=1 rewrites the page)', () => {
    const page = readFileSync(PAGE, 'utf8');
    const current = updated(page);
    if (process.env['UPDATE'] === '1') writeFileSync(PAGE, current);
    else expect(page).toBe(current);
  });

  it('notices a page without the places that are filled in', () => {
    expect(() => updated('# Conformance')).toThrow(/no place for "cases"/);
  });
});
