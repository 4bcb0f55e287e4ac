-- One row per figure of appointment chains, for every period, in the week of their final scheduled end.
{{
    figures_of(
        ref('metric_appointments'), appointment_rates(), ['source', 'category', 'agent'],
        {'appointments_cancelled_by_us': 'is_cancelled_by_us'}
    )
}}
