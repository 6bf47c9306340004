"""The paths of the API by subject: a few lines over one method each. See controller.api.permissions, too."""
