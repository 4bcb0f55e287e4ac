"""The simulated brokerage behind `leadhouse demo`: a year of invented leads, as the systems of a real shop export them.

`cast` says who and what there is and which story is planted, `clock` keeps time, `streams` chance. `arrivals`,
`journey` and `simulate` make the year; `crm`, `phones` and `money` write it as native exports, `dirt` spoils them,
`truth` and `story` write what was planted. Nothing here reads the clock or the environment: the same seed and size give
the same bytes.
"""
