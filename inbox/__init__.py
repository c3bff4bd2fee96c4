"""The staff's web application: the JSON API and the pages of the front desk."""
