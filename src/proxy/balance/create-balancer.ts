import type { Balance } from "../../topology/routing-table.ts";
import type { Balancer, Random } from "./balancer.ts";
import { LeastConnections } from "./least-connections.ts";
import { RandomChoice } from "./random.ts";
import { RoundRobin } from "./round-robin.ts";
import { Single } from "./single.ts";
import { Source } from "./source.ts";
import { TwoChoices } from "./two-choices.ts";

export function createBalancer(balance: Balance, random: Random): Balancer {
  switch (balance) {
    case "least-connections":
      return new LeastConnections();
    case "round-robin":
      return new RoundRobin();
    case "random":
      return new RandomChoice(random);
    case "two-choices":
      return new TwoChoices(random);
    case "source":
      return new Source();
    case "single":
      return new Single();
  }
}
