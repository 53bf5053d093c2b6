"""What is true of a referral, what may change, and why not: pure code only."""
