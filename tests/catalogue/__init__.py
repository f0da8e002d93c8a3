"""All messages that pylme gives: a trigger for each, and its remedy carried out."""
