import { type RootPort } from '../../machine/machine.js';

/** One function below a port of its own. */
export const SINGLE: RootPort = { id: 'rp1', endpoints: [{ id: 'ep_single' }] };

/** Two functions of one device: they share link, bus and IOMMU group. */
export const PAIR: RootPort = { id: 'rp2', endpoints: [{ id: 'ep_pair0' }, { id: 'ep_pair1' }] };

/** A port with nothing in it. */
export const SPARE: RootPort = { id: 'rp3', endpoints: [] };

/** All of them. */
export const PORTS = [SINGLE, PAIR, SPARE];

/** QEMU's names of all endpoints. */
export const ENDPOINTS = PORTS.flatMap(({ endpoints }) => endpoints.map(({ id }) => id));
