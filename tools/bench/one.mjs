// One measure in a process of its own, so that none runs in another's heap and compiled code: results as JSON on stdout.
const { measure } = await import(`./measures/${process.argv[2]}.mjs`);
console.log(JSON.stringify(await measure()));
