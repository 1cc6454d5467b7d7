"""What customers and visitors may ask without a token."""
