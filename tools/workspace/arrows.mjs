// Who may import whom: the arrows of docs/architecture.md as data. Rooms that are not built yet have their arrows too.

/** Room → the rooms of ours that it may import. A room is a package's `nx.tags` entry `room:…`. */
export const ARROWS = {
  core: [],
  pci: ['core'],
  vfio: ['core', 'pci'],
  aer: ['core', 'pci'],
  eeh: ['core', 'pci'],
  zpci: ['core', 'pci'],
  passthrough: ['core', 'pci'],
  conformance: ['core'],
  cli: ['core', 'pci', 'vfio', 'aer', 'eeh', 'zpci', 'passthrough', 'conformance'],
};

const SCOPE = '@pci-recovery/';

/** The `no-restricted-imports` patterns that keep `room` inside its arrows. */
export function forbiddenImports(room) {
  const allowed = ARROWS[room];
  const others = Object.keys(ARROWS).filter((other) => other !== room && !allowed.includes(other));
  const message = `Package "${room}" may import only: ${allowed.join(', ') || 'nothing of ours'} (tools/workspace/arrows.mjs).`;
  return [
    ...others.map((other) => ({ group: [`${SCOPE}${other}`, `${SCOPE}${other}/*`], message })),
    {
      group: [`${SCOPE}${room}`, `${SCOPE}${room}/*`],
      message: 'A package imports its own files by relative path.',
    },
    {
      regex: '^(\\.\\./)+(packages|tools|core|pci|vfio|aer|eeh|zpci|passthrough|conformance|cli)/',
      message: 'Reach another package by its name, never by a path into its folder.',
    },
    { group: [`${SCOPE}*/src/*`, `${SCOPE}*/dist/*`], message: 'Import only published entry points.' },
  ];
}
