// The docker driver: nodes are privileged containers that boot systemd; the reference the netns driver is held to.
import { isAbandoned } from '../../owner.ts';
import type { Driver, Owner, Problem, Site, SiteData, SitePlan, Survivor } from '../driver.ts';
import { findEngine, howToGetAnEngine, needEngine } from './engine.ts';
import { imageTags, missingImages } from './images.ts';
import { findLeftovers } from './leftovers.ts';
import { DockerSite, removeSite } from './site.ts';

export const docker: Driver = {
  name: 'docker',

  async preflight(): Promise<readonly Problem[]> {
    const engine = await findEngine();
    if (!engine) return [{ what: 'no Docker engine answers', fix: howToGetAnEngine }];
    const missing = await missingImages(engine.docker, await imageTags());
    return missing.map(tag => ({ what: `the image ${tag} is not built`, fix: 'sh images/build' }));
  },

  async create(plan: SitePlan, signal: AbortSignal): Promise<Site> {
    const engine = await needEngine();
    await removeDead(plan.owner);
    signal.throwIfAborted();
    try {
      const site = await DockerSite.create(engine, plan);
      if (!signal.aborted) return site;
      await site[Symbol.asyncDispose]();
    } catch (error) {
      await removeSite(engine, plan.owner);
      throw error;
    }
    throw signal.reason;
  },

  async attach(owner: Owner, data: SiteData): Promise<Site> {
    return DockerSite.fromData(await needEngine(), owner, data);
  },

  async survivors(): Promise<readonly Survivor[]> {
    const engine = await findEngine();
    return engine ? findLeftovers(engine.docker) : [];
  },
};

/** A run that was killed leaves its containers behind; the next one of the same name clears them away. */
async function removeDead({ cluster }: Owner): Promise<void> {
  const { docker } = await needEngine();
  const found = await findLeftovers(docker, cluster);
  await Promise.all(found.filter(({ owner }) => isAbandoned(owner)).map(part => part.remove()));
}
