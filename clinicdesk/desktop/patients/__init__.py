"""The Patients screen: finding, registering and keeping the records of patients."""
