import { listVfio } from './list.js';

process.exitCode = await listVfio(process.argv.slice(2), console.log, console.error);
