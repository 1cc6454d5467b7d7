"""The books: what Fatture in Cloud has of a company, kept in step."""
