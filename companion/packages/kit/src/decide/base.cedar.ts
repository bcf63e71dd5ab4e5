/** What the record and the author's policy say of one thing that a server offers. */
const OFFERED = `
  name: String,
  recorded: Bool,
  everyone: Bool,
  groups: Set<Group>,
  policyEveryone: Bool,
  policyGroups: Set<Group>,
  policyAnyRole: Bool,
  policyRoles: Set<String>,
  policyScopes: Set<String>,
  policySurfaces: Set<String>,
  policyAnyChannel: Bool,
  policyChannels: Set<String>,`

/** Cedar schema that the kit's policies and a server's own are both checked against; decide/README.md explains it. */
export const SCHEMA = `
entity Group;
entity User in [Group] {
  client: String,
  surface: String,
  channel?: String,
  roles: Set<String>,
  scopes: Set<String>,
};
entity Workload;
entity Server;
entity Tool {${OFFERED}
  effect: String,
  workloads: Set<Workload>,
  policyAnyWorkload: Bool,
  policyWorkloads: Set<Workload>,
};
entity Prompt {${OFFERED}
};
entity McpResource {${OFFERED}
};
entity Resource { kind: String, name: String };
entity Arguments tags String;
action "list", "call", "read" appliesTo {
  principal: [User, Workload],
  resource: [Server, Tool, Prompt, McpResource, Resource],
  context: {
    status: String,
    groups: Set<Group>,
    surfaces: Set<String>,
    channels: Set<String>,
    workloads: Set<Workload>,
    argumentsAllowed: Bool,
    arguments?: Arguments,
  },
};
`

/** Whoever comes from a surface that has channels is in one of them: one who does not say in which is in none that counts. */
const HAS_CHANNELS = `(principal.surface == "team-chat" || principal has channel)`

/**
 * The kit's own policies, by id; `context` is the server's signed record, and the arguments of a call. The permits are wide, and the forbids say
 * what the record and the tool's policy demand: a forbid wins over every permit, so a server's own text can narrow what is here and never
 * widen it. Nothing here permits a `Resource` to anyone: that is for the server's own text alone.
 */
export const BASE: Readonly<Record<string, string>> = {
  'user-server': `permit (principal is User, action, resource is Server);`,
  'user-tool': `permit (principal is User, action in [Action::"list", Action::"call"], resource is Tool);`,
  'user-prompt': `permit (principal is User, action in [Action::"list", Action::"read"], resource is Prompt);`,
  'user-resource': `permit (principal is User, action in [Action::"list", Action::"read"], resource is McpResource);`,
  'workload-server': `permit (principal is Workload, action == Action::"list", resource is Server);`,
  'workload-tool': `permit (principal is Workload, action in [Action::"list", Action::"call"], resource is Tool);`,

  'server-listed': `forbid (principal, action, resource) unless { context.status == "listed" };`,
  'server-workload': `forbid (principal is Workload, action, resource) unless { context.workloads.contains(principal) };`,
  'server-groups': `forbid (principal is User, action, resource) unless { principal in context.groups };`,
  'server-surface': `forbid (principal is User, action, resource) unless { context.surfaces.contains(principal.surface) };`,
  'server-channel': `forbid (principal is User, action, resource)
    when { !context.channels.isEmpty() && ${HAS_CHANNELS} }
    unless { principal has channel && context.channels.contains(principal.channel) };`,

  ...offered('tool', 'Tool', 'call'),
  ...offered('prompt', 'Prompt', 'read'),
  ...offered('resource', 'McpResource', 'read'),

  'tool-workload': `forbid (principal is Workload, action, resource is Tool)
    unless { resource.workloads.contains(principal) && (resource.policyAnyWorkload || resource.policyWorkloads.contains(principal)) };`,
  'tool-arguments': `forbid (principal, action == Action::"call", resource is Tool) unless { context.argumentsAllowed };`,
  'workload-write': `forbid (principal is Workload, action, resource is Tool) unless { resource.effect == "read" };`,
}

/** What the record and the author's policy demand of each thing that a server offers, under ids that name its kind. */
function offered(kind: string, type: string, use: 'call' | 'read'): Record<string, string> {
  const user = `forbid (principal is User, action, resource is ${type})`
  return {
    [`${kind}-recorded`]: `forbid (principal, action, resource is ${type}) unless { resource.recorded };`,
    [`${kind}-groups`]: `${user} unless { resource.everyone || principal in resource.groups };`,
    [`${kind}-policy-groups`]: `${user} unless { resource.policyEveryone || principal in resource.policyGroups };`,
    [`${kind}-policy-roles`]: `${user} unless { resource.policyAnyRole || resource.policyRoles.containsAny(principal.roles) };`,
    [`${kind}-policy-surface`]: `${user} unless { resource.policySurfaces.contains(principal.surface) };`,
    [`${kind}-policy-channel`]: `${user}
      when { !resource.policyAnyChannel && ${HAS_CHANNELS} }
      unless { principal has channel && resource.policyChannels.contains(principal.channel) };`,
    [`${kind}-policy-scopes`]: `forbid (principal is User, action == Action::"${use}", resource is ${type})
      unless { principal.scopes.containsAll(resource.policyScopes) };`,
  }
}
