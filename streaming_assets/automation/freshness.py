"""What must be new each morning, as the UI shows it; the daemon compares it with the last materialisation."""

import datetime as dt
from collections.abc import Iterable

import dagster as dg

from streaming_assets.assets.published import KEY as PUBLISHED
from streaming_assets.assets.spec import asset_key

FRESH = {asset_key("core/events"), PUBLISHED}
DEADLINE = "0 7 * * *"
NIGHT = dt.timedelta(hours=7)


def fresh_each_morning(assets: Iterable[dg.AssetsDefinition], timezone: str) -> list[dg.AssetsDefinition]:
    """The assets, of which those of FRESH are expected to have been made between midnight and 7 o'clock of the reporting zone.

    An earlier run of the day before does not count: the nightly one makes the last two days again and publishes.
    """
    # Dagster looks through a thousand days for the shortest one when it makes a policy: one does for all.
    policy = dg.FreshnessPolicy.cron(DEADLINE, NIGHT, timezone)

    def with_policy(spec: dg.AssetSpec) -> dg.AssetSpec:
        return dg.apply_freshness_policy(spec, policy) if spec.key in FRESH else spec

    return [asset.map_asset_specs(with_policy) if asset.keys & FRESH else asset for asset in assets]
