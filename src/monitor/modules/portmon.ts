import { because, type Fleet, type ModuleJudgement, type MonitorModule, noRole } from "./monitor-module.ts";

/** Servers of any kind, each by itself: whether a port accepts connections says nothing of roles. */
export const portmon: MonitorModule<Record<never, never>> = {
  name: "portmon",
  defaults: {},
  assign({ views }: Fleet<Record<never, never>>): ModuleJudgement {
    const assignment = noRole(because("PORT_OPEN", "the port accepts connections"));
    const answering = views.filter(({ facts }) => facts !== undefined).length;
    return {
      assignments: new Map(views.map(({ name }) => [name, assignment])),
      state: { chosen: null, clusterUuid: null, kind: null },
      diagnosis: `${answering} of ${views.length} servers answer`,
    };
  },
};
