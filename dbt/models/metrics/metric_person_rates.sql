-- One row per rate of people, for every period, in the week in which their first held appointment started.
{{ figures_of(ref('metric_people'), person_rates(), lead_slices()) }}
