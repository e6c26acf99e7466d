"""The simulated experiments as experiments.yaml has them, for people and for the pipeline."""

import datetime as dt

from streaming_assets.simulate.experiments import AA, HARM, LIFT, SRM

HEADER = """\
# Experiments, one entry each. To add one of your own, copy an entry and change it:
# - start and end: its first and last day, both inclusive. exposure: who takes part, and since when: first_play (the
#   first in these days), signup, or logged (events of type exposure with experiment_id and variant).
# - assignment: with a salt, variants follow from a hash of salt and user; without one they are as exposure events say.
# - primary decides, secondary is looked at; guardrails may become worse by so much of control's mean, at most.
# An entry that cannot be used is reported with its line and what is expected there; the others are computed.
"""

GUARDRAILS = "{skip_rate: 0.5, sessions_per_user: 0.5, d1_retention: 0.5, creator_diversity: 0.2}"
"""Margins that some 250 users in each arm can decide: about five standard errors or more."""

SIMULATED = """\

# Treated users' sessions get longer, and nothing else gets worse: to be shipped.
- id: {lift}
  name: Simulated lift
  hypothesis: Sessions of treated users go on for longer.
  kind: ab
  start: {first}
  end: {last}
  exposure: first_play
  assignment: {{salt: {lift}, variants: {{control: 50, treatment: 50}}}}
  analysis: fixed
  primary: session_minutes
  guardrails: {guardrails}
  secondary: [watch_hours]
  min_lift: 0.02
  rollout: {{population: 1000000, value_per_session: 0.05}}

# Treated users' sessions get shorter: to be rolled back.
- id: {harm}
  name: Simulated harm
  hypothesis: Sessions of treated users go on for longer; in truth they end earlier.
  kind: ab
  start: {first}
  end: {last}
  exposure: first_play
  assignment: {{salt: {harm}, variants: {{control: 50, treatment: 50}}}}
  analysis: fixed
  primary: session_minutes
  guardrails: {guardrails}
  secondary: [watch_hours]
  min_lift: 0.02

# Both arms are the same: a test of the measuring itself, which should find nothing.
- id: {aa}
  name: Simulated A/A
  hypothesis: Nothing is changed, so that nothing differs.
  kind: aa
  start: {first}
  end: {last}
  exposure: first_play
  assignment: {{salt: {aa}, variants: {{control: 50, treatment: 50}}}}
  analysis: fixed
  primary: session_minutes
  guardrails: {guardrails}

# Many treated users' exposures are never logged: the split is broken, and no result of it is to be read.
- id: {srm}
  name: Simulated broken split
  hypothesis: None; exposure events of treated users get lost.
  kind: ab
  start: {first}
  end: {last}
  exposure: logged
  assignment: {{variants: {{control: 50, treatment: 50}}}}
  analysis: fixed
  primary: session_minutes
  guardrails: {guardrails}
"""

LISTENING_LOG = """\

# Nothing is changed in the log: a test of the measuring itself, which should find nothing.
- id: {aa}
  name: Simulated A/A
  hypothesis: Nothing is changed, so that nothing differs.
  kind: aa
  start: {first}
  end: {last}
  exposure: first_play
  assignment: {{salt: {aa}, variants: {{control: 50, treatment: 50}}}}
  analysis: fixed
  primary: session_minutes
  guardrails: {{skip_rate: 0.02, sessions_per_user: 0.02, d1_retention: 0.05}}
"""


def simulated(first: dt.date, last: dt.date) -> str:
    """The four experiments on these days, both inclusive."""
    return HEADER + SIMULATED.format(
        lift=LIFT, harm=HARM, aa=AA, srm=SRM, first=first, last=last, guardrails=GUARDRAILS
    )


def of_listening_log(first: dt.date, last: dt.date) -> str:
    """The one experiment of a log in which nothing is planted."""
    return HEADER + LISTENING_LOG.format(aa=AA, first=first, last=last)
