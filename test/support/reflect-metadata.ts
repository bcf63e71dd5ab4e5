// @peculiar/x509 loads tsyringe, which refuses to start without this proposal's functions and then, for what is used of it here, reads nothing with them.
Object.assign(Reflect, {
  getMetadata: () => undefined,
  getOwnMetadata: () => undefined,
  defineMetadata: () => undefined,
})
