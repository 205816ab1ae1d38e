"""The duty desk: shifts and what they hand over, the on-call list that unanswered reports climb, the situation report."""
